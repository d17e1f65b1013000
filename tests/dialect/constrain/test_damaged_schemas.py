"""A schema damaged in one place holds everything else, in every notation."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import Grammar
from gguf_fc.request import Tool, ToolChoice
from tests.support.families import FAMILIES, family_dialect
from tests.support.templates import NATIVE, dialect_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 2, "maximum": 8},
        "state": {"type": "string", "enum": ["on", "off"]},
        "room": {"type": "string", "minLength": 2, "maxLength": 4},
        "tags": {"type": "array", "items": {"enum": ["x", "y"]}, "maxItems": 2},
        "at": {
            "type": "object",
            "properties": {"line": {"type": "integer", "minimum": 1}, "mark": {"enum": ["f"]}},
            "required": ["line"],
        },
        "when": {"anyOf": [{"enum": ["now"]}, {"type": "integer", "minimum": 5}]},
    },
    "required": ["id", "state"],
}
GOOD: dict[str, Any] = {"id": 3, "state": "on"}
VALID = [
    GOOD,
    {**GOOD, "room": "hall", "tags": ["x", "y"], "when": "now"},
    {**GOOD, "at": {"line": 1, "mark": "f"}, "when": 5},
]
# Arguments that break one demand, named by its place: a keyword of a part of the schema.
INVALID = {
    "/required": {"id": 3},
    "/additionalProperties": {**GOOD, "zz": 1},
    "id/type": {**GOOD, "id": "three"},
    "id/minimum": {**GOOD, "id": 1},
    "id/maximum": {**GOOD, "id": 9},
    "state/enum": {**GOOD, "state": "maybe"},
    "room/minLength": {**GOOD, "room": "h"},
    "room/maxLength": {**GOOD, "room": "hallway"},
    "tags/items": {**GOOD, "tags": ["x", "z"]},
    "tags/maxItems": {**GOOD, "tags": ["x", "y", "x"]},
    "at/required": {**GOOD, "at": {"mark": "f"}},
    "at/additionalProperties": {**GOOD, "at": {"line": 1, "more": 1}},
    "at/properties/line": {**GOOD, "at": {"line": 0}},
    "at/properties/mark": {**GOOD, "at": {"line": 1, "mark": "g"}},
    "when/anyOf": {**GOOD, "when": "later"},
}


class Damage(NamedTuple):
    """A keyword with a value that makes no sense, and the demands that fall with it."""

    place: str  # path of the part, between slashes
    keyword: str
    values: tuple[Any, ...]
    frees: tuple[str, ...]  # beginnings of the names in ``INVALID``


DAMAGES = [
    Damage("", "required", (None, "id", 3, {}), ("/required",)),
    Damage("", "additionalProperties", (None, "no", 0, []), ()),
    Damage("", "type", (None, "", "OBJECT", "string", 3), ()),
    Damage("", "anyOf", (None, {}, "x", [None]), ()),
    Damage("properties", "id", (None, "integer", 3, []), ("id/",)),
    Damage("properties", "other", (None, "integer", 3, []), ()),
    Damage("properties/id", "type", (None, "INTEGER", 3), ("id/",)),
    Damage("properties/id", "maximum", (None, "8", True, []), ("id/maximum",)),
    Damage("properties/id", "exclusiveMinimum", (None, "8", []), ()),
    Damage("properties/id", "multipleOf", (None, 0, "2"), ()),
    Damage("properties/state", "enum", (None, "on", {}, 3), ("state/enum",)),
    Damage("properties/state", "pattern", (None, 3, []), ()),
    Damage("properties/room", "enum", (None, "on", {}, 3), ()),
    Damage("properties/room", "minLength", (None, "2", -2, 1.5), ("room/minLength",)),
    Damage("properties/tags", "items", (None, "x", 3), ("tags/items",)),
    Damage("properties/tags", "maxItems", (None, "2", []), ("tags/maxItems",)),
    Damage("properties/at", "required", (None, "line", 3), ("at/required",)),
    Damage("properties/at", "properties", (None, [], "x"), ("at/prop", "at/additional")),
    Damage("properties/at", "additionalProperties", (None, "x", []), ()),
    Damage("properties/at/properties", "line", (None, "integer"), ("at/properties/line",)),
    Damage("properties/when", "anyOf", (None, {}, "x"), ("when/",)),
    Damage("properties/when", "oneOf", (None, {}, "x", [3]), ()),
    Damage("properties/when", "not", (None, "x", 3), ()),
]


def damaged(damage: Damage, value: Any) -> dict[str, Any]:
    """``SCHEMA`` with *value* in that place."""

    def put(part: dict[str, Any], steps: list[str]) -> dict[str, Any]:
        if not steps:
            return {**part, damage.keyword: value}
        return {**part, steps[0]: put(part[steps[0]], steps[1:])}

    return put(SCHEMA, damage.place.split("/") if damage.place else [])


@cache
def syntaxes() -> dict[str, Syntax]:
    """Every form of ours that holds arguments at all."""
    dialects = {name: dialect_of(name) for name in NATIVE}
    dialects |= {name: family_dialect(name) for name in FAMILIES}
    found = {name: dialect.syntax for name, dialect in dialects.items()}
    return {name: syntax for name, syntax in found.items() if not syntax.quoted}


def grammar_of(syntax: Syntax, schema: Any) -> Grammar:
    tools = (Tool(name="look", parameters=schema), Tool(name="other", parameters=SCHEMA))
    return build_grammar(syntax, Wanted(tools=tools, choice=ToolChoice("required")))


def accepts(grammar: Grammar, syntax: Syntax, name: str, arguments: Any) -> bool:
    return grammar.matches(write(syntax, calls=[Call(name, arguments, "abcdefgh0")]))


@cache
def held(name: str) -> frozenset[str]:
    """The demands that a notation holds where nothing is damaged."""
    syntax = syntaxes()[name]
    grammar = grammar_of(syntax, SCHEMA)
    assert all(accepts(grammar, syntax, "look", arguments) for arguments in VALID)
    return frozenset(
        demand
        for demand, arguments in INVALID.items()
        if not accepts(grammar, syntax, "look", arguments)
    )


@pytest.mark.parametrize("name", syntaxes())
def test_every_demand_is_held_where_nothing_is_damaged(name: str) -> None:
    assert held(name) == INVALID.keys()


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(syntaxes())),
    damage_and_value=st.sampled_from(
        [(damage, value) for damage in DAMAGES for value in damage.values]
    ),
)
def test_a_damaged_keyword_frees_its_own_place_only(
    name: str, damage_and_value: tuple[Damage, Any]
) -> None:
    damage, value = damage_and_value
    syntax = syntaxes()[name]
    grammar = grammar_of(syntax, damaged(damage, value))
    assert all(accepts(grammar, syntax, "look", arguments) for arguments in VALID)
    refused = {
        demand
        for demand, arguments in INVALID.items()
        if not accepts(grammar, syntax, "look", arguments)
    }
    assert {demand for demand in held(name) if not demand.startswith(damage.frees)} <= refused
    assert {path.split(".")[0] for path, _, _ in grammar.report} == {"tools[0]"}
    assert not accepts(grammar, syntax, "other", {"id": 3})  # other tools are untouched
