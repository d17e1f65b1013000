"""Texts that match and texts that do not: one table for the matcher, the printers and the engines.

Every reading of a grammar runs through the same cases.
"""

from __future__ import annotations

from typing import Any

from gguf_fc.grammar import (
    CharClass,
    Choice,
    Literal,
    Node,
    Repeat,
    Sequence,
    Token,
    Unlike,
    Until,
    Without,
    optional,
)

A, B = Literal("a"), Literal("b")
LETTER = CharClass(((ord("a"), ord("z")),))
KEY = Unlike(
    (("a", "b"), ("\\n", "x")),
    CharClass(((ord('"'), ord('"')), (ord("\\"), ord("\\"))), negated=True),
    Sequence((Literal("\\"), CharClass(((ord("n"), ord("n")), (ord("t"), ord("t")))))),
)
WORD = Unlike((("a", "b"), ("a", "c")), LETTER, Choice(()))

NODES: list[tuple[Node, list[str], list[str]]] = [
    (Literal(""), [""], ["a"]),
    (Literal("ab"), ["ab"], ["", "a", "abc"]),
    (LETTER, ["a", "z"], ["", "A", "ab"]),
    (CharClass(LETTER.ranges, negated=True), ["A", "é", "\n"], ["a", ""]),
    (CharClass((), negated=True), ["x", "😀"], ["", "xy"]),
    (Sequence((A, B)), ["ab"], ["a", "b", "ba"]),
    (Choice((A, Sequence((A, B)))), ["a", "ab"], ["b", "abb"]),
    (Repeat(A), ["", "a", "aaa"], ["b", "ab"]),
    (Repeat(A, 2, 3), ["aa", "aaa"], ["a", "aaaa"]),
    (Repeat(A, 2), ["aa", "aaaaa"], ["a"]),
    (Repeat(A, 0, 0), [""], ["a"]),
    (Repeat(Repeat(A)), ["", "aa"], ["b"]),
    (Repeat(optional(A), 3, 3), ["", "a", "aaa"], ["aaaa"]),
    (Until(("<t>",)), ["<t>", "x<t>", "<<t>", "<t<t>"], ["", "<t", "<t>x", "<t><t>"]),
    (Until(("ab", "b")), ["b", "ab", "xxb"], ["a", "bb"]),
    (Until(("aab",)), ["aaab", "aabaab"[:3]], ["aabaab"]),
    (Without(("<t>", "zz")), ["", "<t", "z", "<<t"], ["<t>", "a<t>b", "zz"]),
    (Without(), ["", "anything\n"], []),
    (Sequence((Repeat(Until(("|",))), Without(("|",)))), ["", "a|b|c", "|"], []),
    (Token(Sequence((A, B))), ["ab"], ["a"]),
    (WORD, ["", "a", "abc", "b", "ad"], ["ab", "ac", "A", "a\\n"]),
    (KEY, ["", "a", "abc", "b", "a\\n", "\\n", "\\nxx", "ab\\t"], ["ab", "\\nx", "\\t", "a\\q"]),
]


TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
    "additionalProperties": False,
}

SCHEMAS: dict[str, tuple[Any, list[str], list[str]]] = {
    "an empty schema takes any value": (
        {},
        ["1", '"a"', "null", "true", "[1, {}]", '{"a": [ ] }', "-0.5e+3", '"\\ud83d\\ude00"'],
        ["", "nul", "01", "1.", '"\\ud83d"', '"\n"', "[1,]", "{a: 1}", " 1", "'a'"],
    ),
    "true is an empty schema": (True, ["1", "{}"], [""]),
    "required and optional members mixed, in declared order": (
        {
            "type": "object",
            "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}},
            "required": ["b"],
            "additionalProperties": False,
        },
        ['{"b": null}', '{"a": null, "b": null}', '{"b":null,"c":null}'],
        ["{}", '{"a": null}', '{"b": null, "a": null}', '{"b": null, "d": 1}', '{"b": null,}'],
    ),
    "properties without any takes other members": (
        {"type": "object", "properties": {}},
        ["{}", "{ }", '{"a": 1}'],
        ["[]", '{"a"}'],
    ),
    "other members come after the declared ones and are not named like them": (
        {"type": "object", "properties": {"ab": {"type": "null"}}},
        ['{"ab": null, "a": 1, "abc": 2, "": 3}', '{"a": 1}'],
        ['{"ab": 1}', '{"a": 1, "ab": null}', '{"\\u0061b": 1}'],
    ),
    "other members have the schema of additionalProperties": (
        {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 1},
        ['{"a": true}', '{"a": true, "b": false}'],
        ["{}", '{"a": 1}'],
    ),
    "a required name that is not declared is required": (
        {"type": "object", "required": ["é"]},
        ['{"é": 1}', '{"é": 1, "b": 2}'],
        ["{}", '{"b": 2}'],
    ),
    "minProperties 1 wants a member": (
        {"type": "object", "properties": {"a": {}}, "minProperties": 1},
        ['{"a": 1}', '{"b": 1}'],
        ["{}"],
    ),
    "arrays": (
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        ["[1]", "[ 1 , 2 ]"],
        ["[]", "[1, 2, 3]", '["a"]'],
    ),
    "prefixItems, then items": (
        {
            "type": "array",
            "prefixItems": [{"type": "null"}, {"type": "boolean"}],
            "items": {"type": "string"},
        },
        ["[]", "[null]", "[null, true]", '[null, true, "a", "b"]'],
        ["[true]", "[null, null]", "[null, true, 1]"],
    ),
    "draft 4 tuples": (
        {"type": "array", "items": [{"type": "null"}], "additionalItems": False, "minItems": 1},
        ["[null]"],
        ["[]", "[null, null]"],
    ),
    "string lengths count characters, however they are written": (
        {"type": "string", "minLength": 2, "maxLength": 3},
        ['"ab"', '"é\\n"', '"😀😀"', '"\\ud83d\\ude00\\u00e9a"'],
        ['""', '"a"', '"abcd"', '"\\ud83d\\ude00"'],
    ),
    "enum of any values": (
        {"enum": ["a", 1, None, {"b": [True]}, 'q"']},
        ['"a"', "1", "null", '{"b": [true]}', '"q\\""'],
        ['"b"', "2", "{}", "true"],
    ),
    "enum values of another type than the schema's are left out": (
        {"type": "string", "enum": ["a", 1]},
        ['"a"'],
        ["1"],
    ),
    "const": ({"const": {}}, ["{}"], ["[]"]),
    "integers": (
        {"type": "integer"},
        ["0", "-1", "1234567890123456"],
        ["-0", "1.0", "1e3", "12345678901234567"],
    ),
    "integers as large as they may be": (
        {"type": "integer", "maximum": 12345678901234567890},
        ["12345678901234567890", "-1"],
        ["12345678901234567891"],
    ),
    "integer ranges": (
        {"type": "integer", "minimum": -5, "exclusiveMaximum": 12},
        ["-5", "-1", "0", "9", "10", "11"],
        ["-6", "12", "100", "-50"],
    ),
    "integer ranges with fractions": (
        {"type": "integer", "minimum": 0.5, "maximum": 2.5},
        ["1", "2"],
        ["0", "3"],
    ),
    "draft 4 exclusive limits": (
        {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
        ["4"],
        ["3"],
    ),
    "number ranges": (
        {"type": "number", "minimum": -1.5, "maximum": 0.25},
        ["-1.5", "-1.49", "0", "0.25", "0.2", "-1"],
        ["-1.51", "0.26", "1", "-2"],
    ),
    "a limit of zero leaves the exponent": (
        {"type": "number", "exclusiveMinimum": 0},
        ["1e-5", "0.1", "3"],
        ["0", "0.0", "-1"],
    ),
    "exponents up to those of 64 bits": (
        {"type": "number"},
        [
            "0e0",
            "1e+09",
            "2.5E-007",
            "1e+009",
            "1.7976931348623157e308",
            "6E300",
            "5e-324",
            "1e-309",
        ],
        ["75E9069", "1e309", "1e310", "1e-325", "1e-400", "1e+0308", "1e", "1e-"],
    ),
    "exponents up to those of 64 bits where anything may stand": (
        {"type": "array"},
        ["[1e308]", "[-1E-324]"],
        ["[1e309]", "[1e1000]", "[-1E-325]"],
    ),
    "several types": ({"type": ["string", "null"]}, ['"a"', "null"], ["1"]),
    "keywords of one type leave the others alone": (
        {"minLength": 2},
        ['"ab"', "1", "{}"],
        ['"a"'],
    ),
    "anyOf": (
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        ["1", '"a"'],
        ["null", "1.5"],
    ),
    "keywords beside anyOf hold in every branch": (
        {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "additionalProperties": False,
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        ['{"a": 1}', '{"b": 1}', '{"a": 1, "b": 2}'],
        ["{}", '{"a": null}'],
    ),
    "allOf": (
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}},
                {"properties": {"b": {"type": "null"}}, "required": ["b"]},
            ]
        },
        ['{"a": 1, "b": null}', '{"b": null}'],
        ['{"a": 1}', '{"a": null, "b": null}', "1"],
    ),
    "keywords beside $ref hold too": (
        {"$ref": "#/$defs/word", "maxLength": 3, "$defs": {"word": {"type": "string"}}},
        ['"abc"'],
        ['"abcd"', "1"],
    ),
    "references into odd places": (
        {
            "properties": {"a/b~c d": {"type": "null"}},
            "type": "array",
            "items": {"$ref": "#/properties/a~1b~0c%20d"},
        },
        ["[null]"],
        ["[1]"],
    ),
    "anchors and identifiers": (
        {
            "$id": "https://example.org/root.json",
            "type": "array",
            "prefixItems": [{"$ref": "#here"}, {"$ref": "other.json"}],
            "items": False,
            "minItems": 2,
            "$defs": {
                "a": {"$anchor": "here", "type": "null"},
                "b": {"$id": "other.json", "type": "boolean"},
            },
        },
        ["[null, true]"],
        ["[true, null]", "[null]"],
    ),
    "recursion": (
        TREE,
        ['{"value": 1, "next": null}', '{"value": 1, "next": {"value": 2, "next": null}}'],
        ['{"value": 1}', '{"value": 1, "next": {"value": 2}}'],
    ),
    "recursion with a condition beside it": (
        {
            "$defs": {"list": {"type": "array", "items": {"$ref": "#/$defs/list"}}},
            "allOf": [{"$ref": "#/$defs/list"}, {"minItems": 1}],
        },
        ["[[]]", "[[], [[]]]"],
        ["[]", "[1]"],
    ),
    "members and items are not asked for where there can be none": (
        {
            "anyOf": [
                {"type": "object", "additionalProperties": False, "minProperties": 1},
                {"type": "array", "items": False, "minItems": 1},
                {"type": "array", "items": {"type": "null"}, "minItems": 2, "maxItems": 1},
                {"type": "null"},
            ]
        },
        ["null"],
        ["{}", "[]", "[null]"],
    ),
    "an alternative that contradicts itself is dropped": (
        {"anyOf": [{"type": "string", "minLength": 3, "maxLength": 2}, {"type": "null"}]},
        ["null"],
        ['"abc"'],
    ),
    "an optional member that cannot be is left out": (
        {"type": "object", "properties": {"a": False, "b": {"type": "null"}}},
        ["{}", '{"b": null}'],
        ['{"a": 1}'],
    ),
}
