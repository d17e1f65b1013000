"""JSON Schema keywords, each by texts that match and texts that do not."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf import Grammar, Loosened, Spacing, schema_to_grammar

POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
    "required": ["x"],
    "additionalProperties": False,
}
TREE = {
    "type": "object",
    "properties": {
        "value": {"type": "integer"},
        "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    },
    "required": ["value", "next"],
    "additionalProperties": False,
}

CASES: dict[str, tuple[Any, list[str], list[str]]] = {
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
    "integers": ({"type": "integer"}, ["0", "-1", "12345678901234567890"], ["-0", "1.0", "1e3"]),
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


@pytest.mark.parametrize("name", CASES)
def test_a_schema_accepts_and_refuses(name: str) -> None:
    schema, accepts, refuses = CASES[name]
    grammar = schema_to_grammar(schema)
    assert grammar.report == ()
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


@pytest.mark.parametrize("name", CASES)
def test_fixed_spacing_accepts_exactly_what_json_dumps_writes(name: str) -> None:
    schema, accepts, _ = CASES[name]
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
    ({"type": "string", "pattern": "^a$"}, [("$", "pattern")]),
    ({"type": "integer", "pattern": "^a$"}, []),
    ({"properties": {"a b": {"type": "array", "uniqueItems": True}}}, [("$['a b']", "")]),
    ({"type": "object", "patternProperties": {"^a": {}}}, [("$", "patternProperties")]),
    ({"not": {"type": "null"}}, [("$", "not")]),
    ({"$ref": "https://example.org/a.json"}, [("$", "$ref")]),
    ({"$ref": "#/nowhere"}, [("$", "$ref")]),
    ({"type": "float"}, [("$", "type")]),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, [("$", "oneOf")]),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, []),
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
    assert all(isinstance(entry, Loosened) and entry.reason for entry in report)
    found = [(entry.path, entry.keyword) for entry in report]
    if expected and not expected[0][1]:
        assert found == [("$.properties['a b']", "uniqueItems")]
    else:
        assert found == expected


NONSENSE: list[tuple[Any, str]] = [
    (None, "$ must be a schema"),
    ([], "$ must be a schema"),
    ({"properties": []}, "$.properties must be"),
    ({"properties": {"a": 1}}, "$.properties.a must be a schema"),
    ({"type": 3}, "$.type must be"),
    ({"enum": 3}, "$.enum must be"),
    ({"enum": [float("nan")]}, "$.enum must be"),
    ({"anyOf": {}}, "$.anyOf must be"),
    ({"required": "a"}, "$.required must be"),
    ({"$ref": 3}, "$.$ref must be"),
    ({"type": "string", "minLength": "3"}, "$.minLength must be"),
    ({"type": "number", "minimum": "3"}, "$.minimum must be"),
    ({"prefixItems": {}}, "$.prefixItems must be"),
]


@pytest.mark.parametrize(("schema", "message"), NONSENSE)
def test_nonsense_is_an_error_that_names_the_place(schema: Any, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        schema_to_grammar(schema)
    assert message in str(caught.value)


def test_a_schema_that_nothing_satisfies_is_an_error_when_used() -> None:
    for schema in (False, {"enum": []}, {"allOf": [{"type": "null"}, {"type": "string"}]}):
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
