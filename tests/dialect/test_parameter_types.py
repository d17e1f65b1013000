"""Types of parameters: what a schema says of them, wherever it says it."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.grammar.schema.json_types import ALL_TYPES, json_type

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
DEFINITIONS = {
    "text": TEXT,
    "list": [NUMBER],
    "a/b": {"type": "boolean"},
    "loop": {"$ref": "#/$defs/loop"},
    "object": {"properties": {"a": {"type": "boolean"}}},
    "tree": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/$defs/tree"}}]},
}


def parameter(schema: Any) -> ParameterType:
    """The parameter of that schema, in a document with definitions."""
    return ParameterType.of({"properties": {"it": schema}, "$defs": DEFINITIONS}).member("it")


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        (True, ALL_TYPES),
        (False, frozenset()),
        ({}, ALL_TYPES),
        ({"type": "integer"}, {"number"}),
        ({"type": ["string", "null"]}, {"string", "null"}),
        ({"type": "string", "nullable": True}, {"string", "null"}),
        ({"enum": ["a", 1, None]}, {"string", "number", "null"}),
        ({"const": [1]}, {"array"}),
        ({"$ref": "#/$defs/text"}, {"string"}),
        ({"$ref": "#/$defs/list/0"}, {"number"}),
        ({"$ref": "#/$defs/a~1b"}, {"boolean"}),
        ({"$ref": "#/$defs/nowhere"}, ALL_TYPES),
        ({"$ref": "https://example.org/schema"}, ALL_TYPES),
        ({"$ref": "#/$defs/loop"}, ALL_TYPES),
        ({"$ref": "#/$defs/tree"}, {"null", "array"}),
        ({"anyOf": [TEXT, NUMBER]}, {"string", "number"}),
        ({"oneOf": [TEXT, {"type": "null"}]}, {"string", "null"}),
        ({"allOf": [{"type": ["string", "number"]}, NUMBER]}, {"number"}),
    ],
)
def test_the_types_of_a_value_are_those_its_schema_admits(schema: Any, types: Any) -> None:
    assert parameter(schema).types == frozenset(types)


def test_a_schema_that_is_missing_or_cannot_be_read_admits_anything() -> None:
    for schema in (None, {"properties": "none"}, {"properties": {"a": 5}}):
        assert ParameterType.of(schema).types == ALL_TYPES
        assert ParameterType.of(schema).member("a").types == ALL_TYPES


@pytest.mark.parametrize(
    ("schema", "key", "types"),
    [
        ({"properties": {"a": TEXT}}, "a", {"string"}),
        ({"properties": {"a": TEXT}, "additionalProperties": NUMBER}, "b", {"number"}),
        ({"patternProperties": {"^n_": NUMBER}}, "n_1", {"number"}),
        ({"patternProperties": {"^n_": NUMBER, "(": TEXT}}, "x", ALL_TYPES),
        ({"allOf": [{"properties": {"a": NUMBER}}]}, "a", {"number"}),
        ({"anyOf": [{"properties": {"a": NUMBER}}, TEXT]}, "a", {"number"}),
        ({"anyOf": [{"properties": {"a": NUMBER}}, {"required": ["b"]}]}, "a", {"number"}),
        ({"$ref": "#/$defs/object"}, "a", {"boolean"}),
        ({"enum": [{"a": 1}, {"a": "x"}]}, "a", {"number", "string"}),
        (True, "a", ALL_TYPES),
    ],
)
def test_a_member_is_found_through_what_the_schema_is_made_of(
    schema: Any, key: str, types: Any
) -> None:
    assert parameter(schema).member(key).types == frozenset(types)


def test_items_are_those_of_an_array() -> None:
    assert parameter({"items": NUMBER}).item(0).types == {"number"}
    assert parameter({"type": "array"}).item(0).types == ALL_TYPES
    pair = parameter({"type": "array", "prefixItems": [TEXT], "items": NUMBER})
    assert [pair.item(at).types for at in (0, 1)] == [{"string"}, {"number"}]


def test_the_json_type_of_a_python_value() -> None:
    values: list[Any] = [None, True, "a", [1], {}, 0.5]
    types = ["null", "boolean", "string", "array", "object", "number"]
    assert list(map(json_type, values)) == types


def test_members_are_arranged_as_the_alternative_lists_them_that_the_value_is_valid_under() -> None:
    either = parameter(
        {
            "anyOf": [
                {"properties": {"kind": {"const": "a"}, "x": {}, "y": {}}},
                {"properties": {"kind": {"const": "b"}, "y": {}, "x": {}}},
            ]
        }
    )
    assert list(either.arranged({"x": 1, "y": 2, "kind": "a", "z": 3})) == ["kind", "x", "y", "z"]
    assert list(either.arranged({"x": 1, "y": 2, "kind": "b"})) == ["kind", "y", "x"]
    assert list(either.arranged({"x": 1, "kind": "neither"})) == ["kind", "x"]


def test_any_text_is_what_a_string_takes_of_which_nothing_else_is_said() -> None:
    assert parameter({"type": "string", "description": "A text."}).takes_any_text
    assert not parameter({"type": "string", "pattern": "a"}).takes_any_text
    assert not parameter({"type": ["string", "null"]}).takes_any_text
    assert not parameter({}).takes_any_text


def test_the_only_parameter_of_a_tool_is_one_that_is_required() -> None:
    one = {"type": "object", "properties": {"code": TEXT}, "required": ["code"]}
    found = ParameterType.of(one).only_parameter()
    assert found is not None
    assert found[0] == "code"
    assert found[1].types == {"string"}
    for other in ({**one, "required": []}, {"type": "object"}, TEXT):
        assert ParameterType.of(other).only_parameter() is None


def test_a_value_is_judged_by_its_whole_schema() -> None:
    either = parameter({"anyOf": [{"type": "object", "required": ["a"]}, TEXT]})
    assert either.accepts({"a": 1})
    assert not either.only({"object"}).accepts("text")
    assert not either.accepts({"b": 1})
