"""What is too large is refused with its place, or loosened with its place; it never hangs."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import schema_to_grammar

REFUSED: list[tuple[Any, str]] = [
    ({"type": "object", "properties": {f"p{n}": {} for n in range(5_001)}}, "$.properties must"),
    ({"items": {"enum": list(range(20_001))}}, "$.items.enum must"),
    ({"required": [f"p{n}" for n in range(5_001)]}, "$.required must"),
    ({"description": "x" * 5_000_001}, "5000000 characters"),
    ({"examples": [0] * 500_001}, "500000 values"),
]


@pytest.mark.parametrize(("schema", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_over_a_limit_is_refused_with_its_place(schema: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        schema_to_grammar(schema)
    assert message in caught.value.message


LOOSENED: dict[str, tuple[Any, str]] = {
    "too many dependencies": (
        {"dependentRequired": {f"p{n}": [f"q{n}"] for n in range(40)}},
        "dependentRequired",
    ),
    "too many branches that overlap": (
        {"oneOf": [{"required": [f"p{n}"]} for n in range(30)]},
        "oneOf",
    ),
    "too many branches": ({"oneOf": [{"required": [f"p{n}"]} for n in range(200)]}, "oneOf"),
    "too many patterns": (
        {"patternProperties": {f"^{n}": {"type": "null"} for n in range(20)}},
        "patternProperties",
    ),
    "too many rules": (
        {
            "type": "object",
            "properties": {
                f"p{n}": {"type": "object", "properties": {f"q{n}-{m}": {} for m in range(80)}}
                for n in range(100)
            },
        },
        "",
    ),
    "too large a multiple": ({"type": "integer", "multipleOf": 1_000_003}, "multipleOf"),
    "a common multiple with too many digits": (
        {"multipleOf": 0.123456789012345, "allOf": [{"multipleOf": 0.987654321098767}]},
        "allOf",
    ),
    "too many sets of values": (
        {"type": "array", "items": {"enum": list(range(30))}, "uniqueItems": True},
        "uniqueItems",
    ),
    "another contains": (
        {"allOf": [{"contains": {"const": 1}}, {"contains": {"const": 2}}]},
        "contains",
    ),
}


@pytest.mark.parametrize("name", LOOSENED)
def test_what_is_too_much_for_a_grammar_is_loosened(name: str) -> None:
    schema, keyword = LOOSENED[name]
    grammar = schema_to_grammar(schema)
    assert keyword in {entry.keyword for entry in grammar.report}
    assert grammar.llguidance()


def test_when_there_are_too_many_rules_the_first_properties_keep_theirs() -> None:
    schema, _ = LOOSENED["too many rules"]
    grammar = schema_to_grammar(schema)
    assert not grammar.matches('{"p0": 1}')
    assert not grammar.matches('{"p99": 1}')  # still an object
    assert grammar.matches('{"p99": {"free": 1}}')


def test_combining_ends_however_much_there_is_to_combine() -> None:
    both = {"anyOf": [{"properties": {f"p{n}": {"minimum": n}}} for n in range(20)]}
    schema: Any = both
    for _ in range(6):
        schema = {"allOf": [schema, {"properties": {"next": schema}, "anyOf": both["anyOf"]}]}
    grammar = schema_to_grammar(schema)
    assert grammar.report
    assert grammar.matches("{}")
