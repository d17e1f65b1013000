"""Kinds of values: what a schema says of them, wherever it says it."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.kinds import ANY, Typed, kind_of

TEXT, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize(
    ("schema", "kinds"),
    [
        (None, ANY),
        (True, ANY),
        (False, frozenset()),
        ({}, ANY),
        ({"type": "integer"}, {"number"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"enum": ["a", 1, None]}, {"string", "number", "null"}),
        ({"const": [1]}, {"array"}),
        ({"$ref": "#/$defs/text"}, {"string"}),
        ({"$ref": "#/$defs/list/0"}, {"number"}),
        ({"$ref": "#/$defs/a~1b"}, {"boolean"}),
        ({"$ref": "#/$defs/nowhere"}, ANY),
        ({"$ref": "https://example.org/schema"}, ANY),
        ({"$ref": "#/$defs/loop"}, ANY),
        ({"anyOf": [TEXT, NUMBER]}, {"string", "number"}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"string", "null"}),
        ({"allOf": [{"type": ["string", "number"]}, NUMBER]}, {"number"}),
    ],
)
def test_the_kinds_of_a_value_are_those_its_schema_admits(schema: Any, kinds: Any) -> None:
    definitions = {
        "text": TEXT,
        "list": [NUMBER],
        "a/b": {"type": "boolean"},
        "loop": {"$ref": "#/$defs/loop"},
    }
    assert Typed(schema, {"$defs": definitions}).kinds() == frozenset(kinds)


@pytest.mark.parametrize(
    ("schema", "key", "kinds"),
    [
        ({"properties": {"a": TEXT}}, "a", {"string"}),
        ({"properties": {"a": TEXT}, "additionalProperties": NUMBER}, "b", {"number"}),
        ({"patternProperties": {"^n_": NUMBER}}, "n_1", {"number"}),
        ({"patternProperties": {"^n_": NUMBER, "(": TEXT}}, "x", ANY),
        ({"allOf": [{"properties": {"a": NUMBER}}]}, "a", {"number"}),
        ({"anyOf": [{"properties": {"a": NUMBER}}, TEXT]}, "a", {"number"}),
        ({"$ref": "#/$defs/object"}, "a", {"boolean"}),
        ({"properties": "none"}, "a", ANY),
        (True, "a", ANY),
    ],
)
def test_a_member_is_found_through_what_the_schema_is_made_of(
    schema: Any, key: str, kinds: Any
) -> None:
    document = {"$defs": {"object": {"properties": {"a": {"type": "boolean"}}}}}
    assert Typed(schema, document).member(key).kinds() == frozenset(kinds)


def test_items_are_those_of_an_array() -> None:
    assert Typed.root({"items": NUMBER}).items().kinds() == {"number"}
    assert Typed.root({"type": "array"}).items().kinds() == ANY


def test_the_kind_of_a_python_value() -> None:
    values: list[Any] = [None, True, "a", [1], {}, 0.5]
    kinds = ["null", "boolean", "string", "array", "object", "number"]
    assert list(map(kind_of, values)) == kinds


def test_listed_members_come_in_their_order_and_with_those_only_required() -> None:
    listed = Typed.root(
        {
            "allOf": [{"properties": {"b": NUMBER}, "required": ["b", "z"]}],
            "properties": {"c": TEXT, "a": TEXT},
            "required": ["a"],
            "additionalProperties": TEXT,
            "anyOf": [{"properties": {"d": TEXT}, "required": ["d"]}],
            "minProperties": 2,
        }
    ).listed()
    assert list(listed.keys) == ["c", "a", "b", "d", "z"]
    assert listed.required == {"a", "b", "z"}
    assert not listed.closed
    assert listed.others.kinds() == {"string"}
    assert set(listed.skipped) == {"minProperties", "anyOf"}


def test_no_other_member_is_admitted_unless_the_schema_says_so() -> None:
    assert Typed.root({"properties": {"a": TEXT}}).listed().closed
    assert Typed.root({"additionalProperties": False}).listed().closed
    assert not Typed.root({"additionalProperties": True}).listed().closed


def test_restricted_is_what_says_more_than_its_type() -> None:
    assert Typed.root({"type": "string", "pattern": "a"}).restricted()
    assert not Typed.root({"type": "string", "description": "A text."}).restricted()
    assert not Typed.root(None).restricted()
