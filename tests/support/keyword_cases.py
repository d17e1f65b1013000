"""Schemas whose keywords combine or count, with texts that match and texts that do not.

All of them are exact: nothing is reported.
"""

from __future__ import annotations

from typing import Any

NULL: dict[str, Any] = {"type": "null"}
NO: Any = False

KEYWORDS: dict[str, tuple[Any, list[str], list[str]]] = {
    "patternProperties beside properties and others": (
        {
            "type": "object",
            "properties": {"xa": {"minimum": 2}},
            "patternProperties": {"^x": {"type": "integer"}, "y$": {"minimum": 5}},
            "additionalProperties": NULL,
        },
        ['{"xa": 2}', '{"x": 1, "xy": 5, "ay": "t", "b": null}', "{}"],
        ['{"xa": 1}', '{"xa": "t"}', '{"x": null}', '{"xy": 4}', '{"xy": "t"}', '{"b": 1}'],
    ),
    "patternProperties closed": (
        {
            "type": "object",
            "patternProperties": {"^[a-z]+$": NULL},
            "additionalProperties": NO,
        },
        ["{}", '{"ab": null, "c": null}'],
        ['{"A": null}', '{"ab": 1}', '{"": null}'],
    ),
    "propertyNames as a pattern": (
        {
            "type": "object",
            "properties": {"ab": NULL, "B": NULL},
            "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 2},
        },
        ['{"ab": null, "z": 1}', "{}"],
        ['{"B": null}', '{"abc": 1}', '{"1": 1}'],
    ),
    "propertyNames as a list": (
        {"type": "object", "propertyNames": {"enum": ["a", "b"]}},
        ['{"a": 1}', '{"a": 1, "b": 2}'],
        ['{"c": 1}'],
    ),
    "propertyNames false": ({"type": "object", "propertyNames": NO}, ["{}"], ['{"a": 1}']),
    "counted members": (
        {
            "type": "object",
            "properties": {"a": NULL, "b": NULL, "c": NULL},
            "additionalProperties": NO,
            "minProperties": 2,
            "maxProperties": 2,
        },
        ['{"a": null, "c": null}', '{"b": null, "c": null}'],
        ["{}", '{"a": null}', '{"a": null, "b": null, "c": null}', '{"x": 1}'],
    ),
    "counted members, one of them required": (
        {
            "type": "object",
            "properties": {"a": NULL, "b": NULL, "c": NULL},
            "required": ["b"],
            "additionalProperties": NO,
            "maxProperties": 2,
        },
        ['{"b": null}', '{"a": null, "b": null}', '{"b": null, "c": null}'],
        ["{}", '{"a": null}', '{"a": null, "b": null, "c": null}'],
    ),
    "a few optional members of an inner object come in any order": (
        {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"a": NULL, "b": NULL, "c": NULL, "d": NULL},
                "required": ["a"],
                "additionalProperties": NO,
            },
        },
        ['[{"a": null, "d": null, "b": null}, {"a": null, "c": null}]', '[{"a": null}]'],
        ['[{"b": null, "a": null}]', '[{"a": null, "b": null, "b": null}]', '[{"b": null}]'],
    ),
    "dependentRequired": (
        {
            "type": "object",
            "properties": {"card": NULL, "address": NULL},
            "dependentRequired": {"card": ["address"]},
        },
        ["{}", '{"address": null}', '{"card": null, "address": null}'],
        ['{"card": null}'],
    ),
    "dependentSchemas say nothing of other types": (
        {"dependentSchemas": {"a": {"maxProperties": 1}}},
        ["1", '{"a": 1}', '{"b": 1, "c": 2}'],
        ['{"a": 1, "b": 2}'],
    ),
    "draft 7 dependencies": (
        {
            "type": "object",
            "properties": {"a": NULL, "b": NULL, "c": NULL},
            "dependencies": {"a": ["b"], "b": {"required": ["c"]}},
        },
        ["{}", '{"c": null}', '{"b": null, "c": null}', '{"a": null, "b": null, "c": null}'],
        ['{"a": null}', '{"a": null, "b": null}', '{"b": null}'],
    ),
    "contains": (
        {"type": "array", "contains": {"const": 1}},
        ["[1]", "[2, 1]", '[1, "a", 1]'],
        ["[]", "[2]", '["1"]'],
    ),
    "contains between counts": (
        {
            "type": "array",
            "items": {"type": "integer"},
            "contains": {"minimum": 5},
            "minContains": 1,
            "maxContains": 2,
        },
        ["[5]", "[1, 5, 2, 9]"],
        ["[]", "[1]", "[5, 6, 7]", '[5, "a"]'],
    ),
    "contains at most": (
        {"type": "array", "contains": NULL, "minContains": 0, "maxContains": 1},
        ["[]", "[null]", "[1, null, 2]"],
        ["[null, null]"],
    ),
    "contains beside a prefix and a length": (
        {
            "type": "array",
            "prefixItems": [{"type": "string"}],
            "contains": NULL,
            "minItems": 3,
            "maxItems": 3,
        },
        ['["a", null, 1]', '["a", 1, null]'],
        ['["a", null]', '["a", 1, 2]', "[null, null, null]"],
    ),
    "uniqueItems of an enum": (
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 1},
        ['["a"]', '["c", "a", "b"]'],
        ["[]", '["a", "a"]', '["a", "b", "a"]', '["d"]'],
    ),
    "uniqueItems of a tuple whose items differ anyway": (
        {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "items": NO,
            "uniqueItems": True,
        },
        ['["a", 1]', "[]"],
        ['["a", "b"]', '["a", 1, 2]'],
    ),
    "oneOf takes its branches from each other": (
        {"oneOf": [{"type": "integer", "multipleOf": 1}, {"type": "integer", "minimum": 3}]},
        ["2", "-1"],
        ["3", "7", '"a"'],
    ),
    "oneOf of required members": (
        {
            "type": "object",
            "properties": {"a": NULL, "b": NULL},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        ['{"a": null}', '{"b": null}'],
        ["{}", '{"a": null, "b": null}'],
    ),
    "oneOf of an integer and a number": (
        {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0}]},
        ["-1", "0.5", "7.25"],
        ["0", "3", "-0.5"],
    ),
    "oneOf of closed objects": (
        {
            "oneOf": [
                {"type": "object", "properties": {"a": NULL}, "additionalProperties": NO},
                {
                    "type": "object",
                    "properties": {"a": NULL, "b": NULL},
                    "additionalProperties": NO,
                },
            ]
        },
        ['{"b": null}', '{"a": null, "b": null}'],
        ["{}", '{"a": null}'],
    ),
    "not a type": ({"not": {"type": ["string", "object"]}}, ["1", "null", "[]"], ['"a"', "{}"]),
    "not an integer": ({"not": {"type": "integer"}}, ["1.5", '"a"'], ["1", "0", "-3"]),
    "not these values": (
        {"type": ["string", "integer"], "not": {"enum": ["a", "b", 3]}},
        ['"ab"', '""', "4", "2"],
        ['"a"', '"b"', "3"],
    ),
    "not a pattern": (
        {"type": "string", "not": {"pattern": "^a"}, "maxLength": 2},
        ['"ba"', '""'],
        ['"a"', '"ab"', '"bcd"'],
    ),
    "not required": (
        {"type": "object", "properties": {"a": NULL}, "not": {"required": ["a"]}},
        ["{}", '{"b": 1}'],
        ['{"a": null}'],
    ),
    "not an array of these": (
        {"type": "array", "not": {"items": {"type": "string"}, "minItems": 2}},
        ["[]", '["a"]', '["a", 1]', "[1, 2, 3]"],
        ['["a", "b"]', '["a", "b", "c"]'],
    ),
    "not this tuple": (
        {"type": "array", "not": {"const": [1, "a"]}},
        ["[]", "[1]", '[1, "b"]', '[2, "a"]', '[1, "a", 2]'],
        ['[1, "a"]'],
    ),
    "if, then, else": (
        {
            "type": "object",
            "properties": {"kind": {"enum": ["card", "cash"]}, "number": {"type": "string"}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "card"}}},
            "then": {"required": ["number"]},
            "else": {"properties": {"number": NO}},
            "additionalProperties": NO,
        },
        ['{"kind": "card", "number": "1"}', '{"kind": "cash"}'],
        ['{"kind": "card"}', '{"kind": "cash", "number": "1"}', "{}"],
    ),
    "if and then only": (
        {"if": {"type": "integer"}, "then": {"minimum": 3}},
        ["3", '"a"', "1.5"],
        ["2"],
    ),
    "unevaluatedProperties after allOf": (
        {
            "type": "object",
            "allOf": [{"properties": {"a": NULL}}, {"patternProperties": {"^b": NULL}}],
            "properties": {"c": NULL},
            "unevaluatedProperties": NO,
        },
        ['{"c": null, "a": null, "bb": null}', "{}"],
        ['{"d": 1}', '{"a": 1}'],
    ),
    "unevaluatedProperties after anyOf": (
        {
            "type": "object",
            "anyOf": [
                {"properties": {"a": NULL}, "required": ["a"]},
                {"properties": {"b": NULL}, "required": ["b"]},
            ],
            "unevaluatedProperties": NO,
        },
        ['{"a": null}', '{"b": null}', '{"a": null, "b": null}'],
        ["{}", '{"a": null, "c": 1}', '{"b": null, "a": 1}'],
    ),
    "unevaluatedItems": (
        {
            "type": "array",
            "allOf": [{"prefixItems": [NULL]}],
            "unevaluatedItems": {"type": "string"},
        },
        ["[]", "[null]", '[null, "a", "b"]'],
        ["[1]", "[null, null]"],
    ),
    "enum beside other keywords keeps what they allow": (
        {
            "enum": [1, 2, "a", "abc", [1], [1, 1], {"a": 1}, {"b": 1}],
            "minimum": 2,
            "maxLength": 1,
            "uniqueItems": True,
            "required": ["a"],
        },
        ["2", '"a"', "[1]", '{"a": 1}'],
        ["1", '"abc"', "[1, 1]", '{"b": 1}'],
    ),
    "OpenAPI's nullable": (
        {"type": "string", "nullable": True, "maxLength": 1},
        ["null", '"a"'],
        ['"ab"', "1"],
    ),
    "relative identifiers change what references mean": (
        {
            "$id": "https://example.org/root/main.json",
            "$defs": {
                "inner": {
                    "$id": "inner/part.json",
                    "$defs": {"word": {"$id": "word.json", "type": "string"}},
                    "type": "array",
                    "items": {"$ref": "word.json"},
                },
            },
            "$ref": "inner/part.json",
        },
        ['["a"]', "[]"],
        ["[1]", '"a"'],
    ),
    "$dynamicRef with one anchor": (
        {
            "$defs": {"leaf": {"$dynamicAnchor": "node", "type": "integer"}},
            "type": "array",
            "items": {"$dynamicRef": "#node"},
        },
        ["[1]"],
        ['["a"]'],
    ),
    "keywords beside $ref in draft 7 say nothing": (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"word": {"type": "string"}},
            "type": "array",
            "items": {"$ref": "#/definitions/word", "maxLength": 1},
        },
        ['["abc"]'],
        ["[1]"],
    ),
}
