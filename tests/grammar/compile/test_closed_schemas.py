"""A closed grammar has no members but those that a schema knows, at every depth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc.grammar import schema_to_grammar

WHOLE = {"type": "integer"}


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


NODE = object_of(value=WHOLE, next={"$ref": "#/$defs/node"})

# A schema, values that its closed grammar accepts, and values that only its open one accepts.
CLOSED: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "inside": (object_of(a=object_of(b=WHOLE)), [{"a": {"b": 1}}], [{"a": {"c": 1}}, {"z": 1}]),
    "in arrays": (
        {"type": "array", "items": object_of(a=WHOLE)},
        [[{"a": 1}, {}]],
        [[{"a": 1}, {"b": 1}]],
    ),
    "in definitions": (
        {"$defs": {"node": NODE}, "$ref": "#/$defs/node"},
        [{"value": 1, "next": {"value": 2}}],
        [{"next": {"next": {"other": 1}}}],
    ),
    "both of allOf": (
        {"allOf": [object_of(a=WHOLE), {**object_of(b=WHOLE), "required": ["b"]}]},
        [{"a": 1, "b": 2}, {"b": 2}],
        [{"b": 1, "c": 2}],
    ),
    "each branch of anyOf": (
        {"anyOf": [object_of(a=WHOLE), object_of(b=WHOLE)]},
        [{"a": 1}, {"b": 1}],
        [{"a": 1, "b": 1}, {"c": 1}],
    ),
    "each branch of oneOf": (
        {
            "oneOf": [
                {**object_of(a={"type": "string"}), "required": ["a"]},
                {**object_of(b=WHOLE), "required": ["b"]},
            ]
        },
        [{"a": "x"}, {"b": 1}],
        [{"a": "x", "b": "y"}, {"b": 1, "a": 3}, {"a": "x", "c": 1}],
    ),
    "what stands beside a reference": (
        {"$defs": {"a": object_of(a=WHOLE)}, "$ref": "#/$defs/a", "properties": {"b": WHOLE}},
        [{"b": 1, "a": 1}],
        [{"a": 1, "c": 1}],
    ),
    "a required name that nobody declares": (
        {**object_of(a=WHOLE), "required": ["b"]},
        [{"a": 1, "b": "x"}],
        [{"b": 1, "c": 1}],
    ),
    "patterns are of the known": (
        {**object_of(a=WHOLE), "patternProperties": {"^x": WHOLE}},
        [{"a": 1, "x1": 2}],
        [{"y": 1}],
    ),
    "no properties at all": (object_of(a=object_of()), [{"a": {}}], [{"a": {"b": 1}}]),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_object_has_only_the_members_it_knows(name: str) -> None:
    schema, valid, extra = CLOSED[name]
    shut, wide = schema_to_grammar(schema, closed=True), schema_to_grammar(schema)
    assert shut.report == ()
    assert all(shut.matches(json.dumps(value)) for value in valid)
    assert not any(shut.matches(json.dumps(value)) for value in extra)
    assert all(wide.matches(json.dumps(value)) for value in (*valid, *extra))


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "object"},
        {},
        True,
        {"type": "object", "required": ["b"]},
        {"type": "object", "patternProperties": {"^a": WHOLE}},
        {**object_of(a=WHOLE), "additionalProperties": True},
        {**object_of(a=WHOLE), "additionalProperties": WHOLE},
        {**object_of(a=WHOLE), "unevaluatedProperties": {}},
        {"allOf": [object_of(a=WHOLE), {"type": "object", "additionalProperties": True}]},
    ],
)
def test_an_object_that_lists_nothing_or_speaks_of_others_stays_open(inner: Any) -> None:
    grammar = schema_to_grammar(object_of(o=inner), closed=True)
    assert grammar.matches('{"o": {"b": 1}}')
    assert grammar.report == ()


def test_what_closing_would_make_impossible_stays_open_and_is_reported() -> None:
    crowded = {**object_of(a=WHOLE), "minProperties": 2}
    grammar = schema_to_grammar(object_of(o=crowded, p=object_of(a=WHOLE)), closed=True)
    assert grammar.matches('{"o": {"a": 1, "b": 2}}')
    assert not grammar.matches('{"p": {"b": 2}}')
    assert ("$.properties.o", "additionalProperties") in [
        (item.path, item.keyword) for item in grammar.report
    ]


def test_a_condition_is_judged_by_the_open_schema() -> None:
    """Closing a schema that is negated would turn its meaning around."""
    schema = {
        **object_of(kind={"type": "string"}, n=WHOLE),
        "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"required": ["n"]},
    }
    grammar = schema_to_grammar(schema, closed=True)
    assert grammar.matches('{"kind": "a", "n": 1}')
    assert grammar.matches('{"kind": "b"}')
    assert not grammar.matches('{"kind": "a"}')
    assert not grammar.matches('{"kind": "b", "m": 1}')


def test_where_only_a_member_of_another_branch_makes_a_value_valid_it_may_come() -> None:
    """Without required names each branch allows what the other declares: neither alone is valid."""
    text, whole = object_of(a={"type": "string"}), object_of(b=WHOLE)
    grammar = schema_to_grammar({"oneOf": [text, whole]}, closed=True)
    assert grammar.matches('{"a": "x", "b": "y"}')
    assert not grammar.matches('{"a": "x"}')


def test_an_array_that_cannot_hold_what_it_must_is_no_array() -> None:
    grammar = schema_to_grammar({"contains": False}, closed=True)
    assert grammar.matches("1")
    assert not grammar.matches("[]")
