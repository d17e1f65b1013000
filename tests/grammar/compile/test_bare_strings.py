"""Strings without quotes: what may stand before a closing marker."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.grammar import Builder, Grammar, Loosened, Node
from gguf_fc.grammar.compile.bare_strings import BareStrings
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from tests.support.lexing import LlguidanceGrammar

STOPS = ("\n</p>",)
CASES: list[tuple[Any, list[str], list[str]]] = [
    (True, ["", 'a "b" \\ \n', "\n</p"], ["\n</p>", "a\n</p>b"]),
    ({"type": "string"}, ["", "null", "1"], ["\n</p>"]),
    ({"type": ["string", "null"], "maxLength": 3}, ["", "a\nb"], ["abcd"]),
    ({"enum": ["Paris", "a b", 1, None, "x\n</p>"]}, ["Paris", "a b"], ["1", "paris", "x"]),
    ({"const": "a"}, ["a"], ["b", ""]),
    (
        {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 2}, {"const": "x"}]},
        ["x", "ab", "12"],
        ["1", "y"],
    ),
    ({"pattern": "^[a-z]+$", "maxLength": 3}, ["a", "abc"], ["", "abcd", "A", "a\n"]),
    ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", ""]),
    ({"type": "string", "not": {"pattern": "<"}}, ["", "\n", "a"], ["<", "\n</p"]),
    ({"type": "string", "minLength": 6}, ["abcdef", "\n</p\n\n"], ["abcde", "\n</p>a"]),
]


def bare(schema: Any, builder: Builder, path: str = "$") -> tuple[Node | None, list[Loosened]]:
    """The rule of the strings of *schema*, and what is reported of it."""
    reader = SchemaReader(Document(schema, path))
    tree = reader.read(schema, path)
    return BareStrings(builder, reader, STOPS).write(tree, path), list(reader.report)


@pytest.mark.parametrize(("schema", "accepts", "refuses"), CASES)
def test_the_strings_of_a_schema_stand_as_they_are(
    schema: Any, accepts: list[str], refuses: list[str]
) -> None:
    builder = Builder()
    node, report = bare(schema, builder)
    assert node is not None
    assert report == []
    ours = Grammar(builder.build(node))
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in [*accepts, *refuses]:
        assert ours.matches(text) == theirs.matches(text) == (text in accepts), text


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer"},
        {"enum": [1, None]},
        {"const": "a\n</p>"},
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"anyOf": [{"type": "object"}, {"$ref": "#"}]},
    ],
)
def test_a_schema_without_strings_has_no_rule(schema: Any) -> None:
    assert bare(schema, Builder()) == (None, [])


def test_references_are_followed() -> None:
    definitions = {"city": {"$ref": "#/$defs/name"}, "name": {"enum": ["Oslo"]}}
    schema = {"$ref": "#/$defs/city", "$defs": definitions}
    builder = Builder()
    node, _ = bare(schema, builder)
    assert node is not None
    assert Grammar(builder.build(node)).matches("Oslo")


def test_what_is_not_enforced_is_reported_in_its_place() -> None:
    schema = {"type": "string", "pattern": r"(a)\1"}
    _, report = bare(schema, Builder(), "$.properties.a")
    assert [(each.path, each.keyword) for each in report] == [("$.properties.a", "pattern")]
