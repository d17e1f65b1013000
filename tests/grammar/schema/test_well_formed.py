"""A malformed keyword counts as absent and is reported; everything beside it is held."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc.grammar import schema_to_grammar

NAN = float("nan")
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}

# A damaged schema, the keyword reported at its root, values that it still accepts and refuses.
DAMAGED: list[tuple[dict[str, Any], str, list[Any], list[Any]]] = [
    ({"type": 3, "enum": [1, "a"]}, "type", [1, "a"], [2, None]),
    ({"type": [], "enum": [1, "a"]}, "type", [1, "a"], [2, None]),
    (
        {"type": "OBJECT", "properties": {"a": {"type": "null"}}},
        "type",
        [1, {"a": None}],
        [{"a": 1}],
    ),
    ({"type": ["string", "STRING"]}, "type", ["a"], [1]),
    ({"type": ["string", None]}, "type", ["a"], [None]),
    ({"type": "string", "nullable": "true"}, "nullable", ["a"], [None]),
    ({"type": "string", "enum": None}, "enum", ["a"], [1]),
    ({"type": "string", "enum": "a"}, "enum", ["b"], [1]),
    ({"type": "string", "enum": [NAN]}, "enum", ["b"], [1]),
    ({"type": "string", "$ref": 3}, "$ref", ["b"], [1]),
    ({"type": "string", "minLength": "1", "maxLength": 2}, "minLength", ["", "ab"], ["abc", 1]),
    ({"type": "string", "maxLength": -1, "minLength": 1}, "maxLength", ["a"], [""]),
    ({"type": "string", "maxLength": float("inf"), "minLength": 1}, "maxLength", ["a"], [""]),
    ({"type": "string", "pattern": 1, "format": "date"}, "pattern", ["2020-01-01"], ["a"]),
    ({"type": "string", "format": {}, "pattern": "^a"}, "format", ["a"], ["b"]),
    ({"type": "integer", "maximum": "10", "minimum": 1}, "maximum", [1, 11], [0, 1.5]),
    ({"type": "integer", "minimum": True, "maximum": 3}, "minimum", [-1], [4]),
    ({"type": "integer", "multipleOf": 0, "maximum": 3}, "multipleOf", [3], [4]),
    ({"type": "array", "items": None, "maxItems": 1}, "items", [[1], ["a"]], [[1, 2]]),
    ({"type": "array", "items": "x", "maxItems": 1}, "items", [[1], ["a"]], [[1, 2]]),
    ({"type": "array", "prefixItems": {}, "maxItems": 1}, "prefixItems", [[1]], [[1, 2]]),
    ({"type": "array", "contains": None, "maxItems": 1}, "contains", [[]], [[1, 2]]),
    ({**OBJECT, "properties": None}, "properties", [{"a": "x"}], [{}, 1]),
    ({**OBJECT, "properties": []}, "properties", [{"a": "x"}], [{}, 1]),
    ({**OBJECT, "required": None}, "required", [{}, {"a": 1}], [{"a": "x"}]),
    ({**OBJECT, "required": "a"}, "required", [{}, {"a": 1}], [{"a": "x"}]),
    ({**OBJECT, "required": [7, "a"]}, "required", [{"a": 1}], [{}, {"a": "x"}]),
    ({**OBJECT, "additionalProperties": None}, "additionalProperties", [{"a": 1}], [{}]),
    ({**OBJECT, "additionalProperties": "no"}, "additionalProperties", [{"a": 1}], [{}]),
    ({**OBJECT, "patternProperties": 1}, "patternProperties", [{"a": 1}], [{}]),
    ({**OBJECT, "propertyNames": 1}, "propertyNames", [{"a": 1}], [{}]),
    ({**OBJECT, "minProperties": []}, "minProperties", [{"a": 1}], [{}]),
    ({**OBJECT, "dependentRequired": {"a": [1]}}, "dependentRequired", [{"a": 1}], [{}]),
    ({**OBJECT, "dependentSchemas": {"a": ["b"]}}, "dependentSchemas", [{"a": 1}], [{}]),
    ({**OBJECT, "dependencies": {"a": 1}}, "dependencies", [{"a": 1}], [{}]),
    ({**OBJECT, "anyOf": {}}, "anyOf", [{"a": 1}], [{}]),
    ({**OBJECT, "allOf": None}, "allOf", [{"a": 1}], [{}]),
    ({**OBJECT, "not": None}, "not", [{"a": 1}], [{}]),
    ({**OBJECT, "if": 1, "then": False}, "if", [{"a": 1}], [{}]),
    ({"anyOf": [None, {"type": "integer"}]}, "anyOf", [1], ["a"]),
    ({"allOf": ["x", {"type": "integer"}]}, "allOf", [1], ["a"]),
    ({"oneOf": [1, {"type": "integer"}]}, "oneOf", [1], ["a"]),
]


@pytest.mark.parametrize(("schema", "keyword", "valid", "invalid"), DAMAGED)
def test_a_malformed_keyword_counts_as_absent_and_is_reported(
    schema: Any, keyword: str, valid: list[Any], invalid: list[Any]
) -> None:
    grammar = schema_to_grammar(schema)
    assert [(item.path, item.keyword) for item in grammar.report] == [("$", keyword)]
    assert all(grammar.matches(json.dumps(value)) for value in valid)
    assert not any(grammar.matches(json.dumps(value)) for value in invalid)


@pytest.mark.parametrize("broken", [None, "string", 3, ["string"]])
def test_a_property_that_is_no_schema_is_free_and_keeps_its_name(broken: Any) -> None:
    schema = {**OBJECT, "properties": {**OBJECT["properties"], "b": broken}}  # type: ignore[dict-item]
    grammar = schema_to_grammar(schema, closed=True)
    assert [(item.path, item.keyword) for item in grammar.report] == [("$.properties.b", "schema")]
    for value in (1, "x", {"deep": [None]}):
        assert grammar.matches(json.dumps({"a": 1, "b": value}))
    for refused in ({"b": 1}, {"a": "x", "b": 1}, {"a": 1, "c": 1}):
        assert not grammar.matches(json.dumps(refused))


def test_what_a_draft_asks_for_nothing_with_is_no_mistake() -> None:
    quiet = {
        "type": "object",
        "properties": {"a": {"type": "number", "minimum": 1, "exclusiveMinimum": False}},
        "required": False,
        "description": None,
        "default": None,
    }
    assert schema_to_grammar(quiet).report == ()


def test_a_reference_beside_a_malformed_keyword_is_still_relative_to_its_resource() -> None:
    schema = {
        "properties": {
            "a": {
                "$id": "https://example.org/inner.json",
                "$ref": "#/$defs/n",
                "minLength": "1",
                "$defs": {"n": {"type": "null"}},
            }
        }
    }
    grammar = schema_to_grammar(schema)
    assert [item.keyword for item in grammar.report] == ["minLength"]
    assert grammar.matches('{"a": null}')
    assert not grammar.matches('{"a": 1}')
