"""Schemas that real tools send and that break other servers: all compile, none spoils another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gguf_fc.grammar import (
    Builder,
    Choice,
    Grammar,
    Node,
    Spacing,
    compile_schema,
    schema_to_grammar,
)

ZOD_EMAIL = (
    r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]"
    r"@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
)
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#"}},
    },
    "required": ["name"],
}


def optional(count: int) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {f"option_{n}": {"type": "string"} for n in range(count)},
    }


def text_of(length: int) -> dict[str, Any]:
    return {"type": "object", "properties": {"text": {"type": "string", "maxLength": length}}}


# A schema, and arguments that are valid under it.
AWKWARD: dict[str, tuple[Any, Any]] = {
    "true": (True, {"a": [1]}),
    "empty": ({}, {"a": None}),
    "no properties": ({"type": "object", "properties": {}}, {}),
    "no type": ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}),
    "not": ({"type": "object", "properties": {"a": {"not": {"type": "null"}}}}, {"a": "b"}),
    "mixed enum": ({"properties": {"a": {"enum": [1, "1", None, [], {}, 1.5]}}}, {"a": {}}),
    "const": ({"properties": {"a": {"const": {"b": [True, "é"]}}}}, {"a": {"b": [True, "é"]}}),
    "nullable": ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": None}),
    "anyOf null": ({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, {}),
    "recursive": (TREE, {"name": "a", "children": [{"name": "b", "children": []}]}),
    "reference to a list item": (
        {
            "properties": {
                "a": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "b": {"$ref": "#/properties/a/anyOf/0"},
            }
        },
        {"a": None, "b": 2},
    ),
    "names that look alike": (
        {
            "type": "object",
            "properties": {
                name: {"type": "integer"}
                for name in ["größe", "grösse", "a-b", "a_b", "a.b", "a b", "A-B", "名前", 'q"', ""]
            },
            "additionalProperties": False,
        },
        {
            "größe": 1,
            "grösse": 2,
            "a-b": 3,
            "a_b": 4,
            "a.b": 5,
            "a b": 6,
            "A-B": 7,
            "名前": 8,
            'q"': 9,
        },
    ),
    "tuple": ({"properties": {"a": {"prefixItems": [{"type": "null"}, True]}}}, {"a": [None, 1]}),
    "patternProperties": (
        {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
        {"x-a": "b", "c": 1},
    ),
    "closed": (
        {"type": "object", "properties": {"a": True}, "additionalProperties": False},
        {"a": 1},
    ),
    "zod 4 email": (
        {"properties": {"to": {"type": "string", "format": "email", "pattern": ZOD_EMAIL}}},
        {"to": "first.last+tag@mail.example.org"},
    ),
    "maxLength 1999": (text_of(1999), {"text": "x" * 1999}),
    "maxLength 2000": (text_of(2000), {"text": "é" * 2000}),
    "maxLength 2001": (text_of(2001), {"text": "x" * 2001}),
    "maxLength 10000": (text_of(10_000), {"text": "x" * 10_000}),
    "60 optional properties": (optional(60), {"option_3": "a", "option_59": "b"}),
    "600 optional properties": (optional(600), {"option_3": "a", "option_599": "b"}),
    "a definition that is never used": (
        {"type": "object", "$defs": {"a": {"$ref": "https://example.org/"}}},
        {},
    ),
    "a description of 100 KB": ({"type": "object", "description": "x" * 100_000}, {}),
}
PATHOLOGICAL: Any = {
    "type": "object",
    "properties": {
        f"p{n}": {"type": "string", "pattern": f"^(a|b)*a(a|b){{{n}}}$", "maxLength": 5_000}
        for n in range(8, 40)
    },
    "dependentRequired": {f"p{n}": [f"p{n + 1}"] for n in range(8, 39)},
    "oneOf": [{"required": [f"p{n}"]} for n in range(8, 40)],
}


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_schema_compiles_and_takes_what_is_valid(name: str) -> None:
    schema, value = AWKWARD[name]
    grammar = schema_to_grammar(schema, closed=True, spacing=(", ", ": "))
    assert grammar.report == ()
    assert grammar.matches(json.dumps(value, ensure_ascii=False))
    assert grammar.llguidance()
    assert grammar.gbnf


def together(schemas: dict[str, Any]) -> tuple[Grammar, dict[str, tuple[Any, ...]]]:
    """All of *schemas* in one grammar, and what each lost."""
    builder = Builder()
    nodes: list[Node] = []
    lost: dict[str, tuple[Any, ...]] = {}
    for name, schema in schemas.items():
        node, lost[name] = compile_schema(schema, builder, spacing=Spacing(), closed=True)
        nodes.append(node)
    return Grammar(builder.build(Choice(tuple(nodes)))), lost


def test_a_pathological_schema_is_loosened_and_the_others_keep_all_they_demand() -> None:
    others = {f"tool {n}": {**TREE, "title": f"{n}"} for n in range(20)}
    grammar, lost = together({**others, "pathological": PATHOLOGICAL})
    assert [name for name, report in lost.items() if report] == ["pathological"]
    assert grammar.matches(json.dumps({"name": "a", "children": []}))
    assert not grammar.matches(json.dumps({"name": 1}))


def test_200_schemas_go_into_one_grammar() -> None:
    schemas = [schema for schema, _ in AWKWARD.values() if "600" not in str(schema)]
    many = {str(n): schemas[n % len(schemas)] for n in range(200)}
    grammar, lost = together(many)
    assert not any(lost.values())
    assert grammar.matches("{}")


def test_a_property_that_nothing_can_satisfy_leaves_the_others() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"allOf": [{"type": "string"}, {"type": "integer"}]},
        },
    }
    grammar = schema_to_grammar(schema)
    assert grammar.matches('{"a": "x"}')
    assert not grammar.matches('{"b": 1}')
