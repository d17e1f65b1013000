"""JSON Schema keywords, each by texts that match and texts that do not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar, Spacing, schema_to_grammar
from tests.support.grammar_cases import SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_accepts_and_refuses(name: str) -> None:
    schema, accepts, refuses = SCHEMAS[name]
    grammar = schema_to_grammar(schema)
    assert grammar.report == ()
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_fixed_spacing_accepts_exactly_what_json_dumps_writes(name: str) -> None:
    schema, accepts, _ = SCHEMAS[name]
    grammar = schema_to_grammar(schema, spacing=Spacing(item=", ", key=": "))
    written = [json.dumps(json.loads(text), ensure_ascii=False) for text in accepts]
    # A model may use escapes that json.dumps does not, and other spellings of a number.
    assert [text for text in written if not grammar.matches(text) and "E" not in text.upper()] == []
    assert not grammar.matches('{ "a":1}')


def test_closed_refuses_members_that_are_not_declared() -> None:
    open_ended = {"type": "object", "properties": {"a": {"type": "object"}}}
    assert schema_to_grammar(open_ended).matches('{"b": 1}')
    closed = schema_to_grammar(open_ended, closed=True)
    assert not closed.matches('{"b": 1}')
    assert closed.matches('{"a": {"free": 1}}')  # nothing is declared in there
    assert schema_to_grammar({**open_ended, "additionalProperties": True}, closed=True).matches(
        '{"b": 1}'
    )


def test_closed_meets_the_parts_of_an_allof_before_it_closes_them() -> None:
    parts = [{"properties": {"a": {"type": "null"}}}, {"properties": {"b": {"type": "null"}}}]
    grammar = schema_to_grammar({"type": "object", "allOf": parts}, closed=True)
    assert grammar.matches('{"a": null, "b": null}')
    assert not grammar.matches('{"c": null}')


LOOSENED: list[tuple[Any, list[tuple[str, str]]]] = [
    ({"type": "string", "pattern": r"^(a)\1$"}, [("$", "pattern")]),
    ({"type": "integer", "pattern": r"^(a)\1$"}, []),
    ({"properties": {"a b": {"type": "array", "uniqueItems": True}}}, [("$['a b']", "")]),
    (
        {"type": "object", "patternProperties": {r"^(a)\1": {"type": "null"}}},
        [("$", "patternProperties")],
    ),
    ({"type": "array", "not": {"uniqueItems": True}}, [("$", "not")]),
    ({"$ref": "https://example.org/a.json"}, [("$", "$ref")]),
    ({"$ref": "#/nowhere"}, [("$", "$ref")]),
    ({"type": "float"}, [("$", "type")]),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, []),
    ({"oneOf": [{"multipleOf": 3}, {"multipleOf": 2}]}, [("$", "oneOf")]),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, []),
    ({"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, []),
    ({"oneOf": [{}, {"title": "also anything"}]}, [("$", "oneOf")]),
    (
        {
            "oneOf": [
                {"properties": {"k": {"const": "a"}}, "required": ["k"], "type": "object"},
                {"properties": {"k": {"const": "b"}}, "required": ["k"], "type": "object"},
            ]
        },
        [],
    ),
    ({"type": "number", "maximum": 1e300}, [("$", "maximum")]),
    (
        {"title": "t", "description": "d", "default": 1, "examples": [1], "$comment": "c"},
        [],
    ),
]


@pytest.mark.parametrize(("schema", "expected"), LOOSENED)
def test_what_is_not_enforced_is_reported(schema: Any, expected: list[tuple[str, str]]) -> None:
    report = schema_to_grammar(schema).report
    assert all(entry.reason for entry in report)
    found = [(entry.path, entry.keyword) for entry in report]
    if expected and not expected[0][1]:
        assert found == [("$.properties['a b']", "uniqueItems")]
    else:
        assert found == expected


NONSENSE: list[tuple[Any, str]] = [
    (None, "$ must be a schema"),
    ([], "$ must be a schema"),
    ({"properties": {1: {}}}, "names in a schema must be strings"),
]


@pytest.mark.parametrize(("schema", "message"), NONSENSE)
def test_nonsense_is_an_error_that_names_the_place(schema: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        schema_to_grammar(schema)
    assert message in str(caught.value)


def test_a_schema_that_nothing_satisfies_is_an_error_when_used() -> None:
    contradiction = {"allOf": [{"type": "null"}, {"type": "string"}]}
    impossible: list[Any] = [False, {"enum": []}, contradiction]
    for schema in impossible:
        grammar = schema_to_grammar(schema)
        with pytest.raises(GrammarError, match="nothing can match"):
            grammar.matches("null")
    endless = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    with pytest.raises(GrammarError, match="nothing can match"):
        schema_to_grammar(endless).matches("{}")


def test_a_reference_to_itself_says_nothing() -> None:
    grammar = schema_to_grammar({"$ref": "#"})
    assert grammar.matches("1")
    assert [entry.keyword for entry in grammar.report] == ["$ref"]


def deep(levels: int) -> Any:
    schema: Any = {"type": "null"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def test_deep_schemas_are_loosened_and_absurd_ones_refused() -> None:
    grammar = schema_to_grammar(deep(100))
    assert [entry.keyword for entry in grammar.report] == [""]
    assert grammar.matches("[" * 100 + "null" + "]" * 100)
    for levels in (900, 20_000):
        with pytest.raises(GrammarError, match="nested"):
            schema_to_grammar(deep(levels))


def test_a_meeting_too_large_to_work_out_is_loosened() -> None:
    wide = {"anyOf": [{"type": "object", "properties": {f"p{n}": {}}} for n in range(100)]}
    grammar = schema_to_grammar({"allOf": [wide, {"anyOf": [*wide["anyOf"], {"type": "object"}]}]})
    assert [entry.keyword for entry in grammar.report] == ["allOf"]
    assert grammar.matches('{"p1": 1}')


def test_names_too_long_to_keep_apart_are_loosened() -> None:
    grammar = schema_to_grammar({"type": "object", "properties": {"x" * 100_000: {}}})
    assert [entry.keyword for entry in grammar.report] == ["additionalProperties"]


def test_deep_constants_print_and_match() -> None:
    value: Any = 0
    for _ in range(120):
        value = [value]
    grammar = schema_to_grammar({"const": value})
    assert built(grammar)
    assert grammar.matches(json.dumps(value))


def built(grammar: Grammar) -> int:
    return len(grammar.gbnf) + len(grammar.llguidance())


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {f"name{n}": {"type": "string"} for n in range(600)}},
        {"type": "string", "maxLength": 10_000},
        {"type": "array", "items": {"type": "string", "maxLength": 2_001}, "maxItems": 10_000},
        {"enum": [f"value {n}" for n in range(5_000)]},
        {"anyOf": [{"type": "object", "properties": {f"p{n}": {}}} for n in range(200)]},
    ],
    ids=["600 properties", "long string", "long array", "large enum", "many branches"],
)
def test_large_schemas_stay_small_and_quick(schema: Any) -> None:
    started = time.perf_counter()
    size = built(schema_to_grammar(schema))
    assert size < 1_500_000
    assert time.perf_counter() - started < 2  # a bound for a busy machine; 0.2 s on a quiet one


def test_long_texts_match() -> None:
    grammar = schema_to_grammar({"type": "array", "items": {"type": "string", "maxLength": 10_000}})
    assert grammar.matches(json.dumps(["x" * 10_000, "y"]))
    assert not grammar.matches(json.dumps(["x" * 10_001]))


def test_a_value_far_from_a_multiple_is_no_error() -> None:
    grammar = schema_to_grammar({"enum": [1e300, 0.015, 0.02], "multipleOf": 0.01})
    assert grammar.matches("0.02")
    assert not grammar.matches("0.015")
