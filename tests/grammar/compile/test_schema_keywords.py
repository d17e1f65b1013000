"""Keywords that combine or count: exact, in every notation a grammar is printed in."""

from __future__ import annotations

import json

import pytest

from gguf_fc.grammar import Grammar, parse_gbnf, schema_to_grammar
from tests.support.keyword_cases import KEYWORDS
from tests.support.lexing import LlguidanceGrammar


@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords_accept_and_refuse_without_a_report(name: str) -> None:
    schema, accepts, refuses = KEYWORDS[name]
    grammar = schema_to_grammar(schema)
    assert grammar.report == ()
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


@pytest.mark.parametrize("name", KEYWORDS)
def test_every_printed_form_has_the_same_language(name: str) -> None:
    schema, accepts, refuses = KEYWORDS[name]
    ours = schema_to_grammar(schema, spacing=(", ", ": "))
    theirs = LlguidanceGrammar(ours.llguidance())
    again = Grammar(parse_gbnf(ours.gbnf))
    for text in [*accepts, *refuses]:
        assert theirs.matches(text) == ours.matches(text) == again.matches(text), text


LOOSENED = {
    "uniqueItems": ({"type": "array", "uniqueItems": True}, "[1, 1]"),
    "contains": ({"type": "array", "contains": {}, "minContains": 400}, "[]"),
    "maxContains": (
        {"contains": {"$ref": "https://example.org/"}, "maxContains": 1},
        "[1, 2]",
    ),
    "not": ({"not": {"multipleOf": 3}}, "3"),
    "if": (
        {"if": {"uniqueItems": True}, "then": {"maxItems": 1}, "else": {"maxItems": 3}},
        "[1, 2]",
    ),
    "patternProperties": ({"patternProperties": {r"^(a)\1": False}}, '{"aa": 1}'),
    "propertyNames": ({"propertyNames": {"pattern": r"^(a)\1"}}, '{"b": 1}'),
    "unevaluatedProperties": (
        {"$ref": "https://example.org/", "unevaluatedProperties": False},
        '{"a": 1}',
    ),
    "minProperties": (
        {"properties": {f"p{n}": {} for n in range(100)}, "minProperties": 50},
        '{"p1": 1}',
    ),
    "$dynamicRef": (
        {
            "$dynamicRef": "#node",
            "$defs": {
                "a": {"$dynamicAnchor": "node", "type": "null"},
                "b": {"$id": "b.json", "$dynamicAnchor": "node"},
            },
        },
        "1",
    ),
}


@pytest.mark.parametrize("keyword", LOOSENED)
def test_what_no_grammar_holds_is_let_through_and_reported(keyword: str) -> None:
    schema, text = LOOSENED[keyword]
    grammar = schema_to_grammar(schema)
    assert keyword in {entry.keyword for entry in grammar.report}
    assert grammar.matches(text)


def test_a_loosened_schema_is_never_negated() -> None:
    """Its negation would refuse what is valid."""
    inexact = {"type": "string", "pattern": r"^(a)\1$"}
    for schema in ({"not": inexact}, {"$ref": "#/$defs/n", "$defs": {"n": {"not": inexact}}}):
        grammar = schema_to_grammar(schema)
        assert grammar.matches('"b"')
        assert grammar.matches("1")


def test_a_oneof_that_nothing_can_satisfy_is_read_as_anyof() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    grammar = schema_to_grammar(schema)
    assert grammar.matches(json.dumps({"a": 1, "b": 2}))
    assert [entry.keyword for entry in grammar.report] == ["oneOf"]


def test_a_closed_schema_is_about_the_types_it_speaks_of() -> None:
    untyped = {"properties": {"a": {"properties": {"b": {"type": "null"}}}}}
    closed = schema_to_grammar(untyped, closed=True)
    assert closed.matches('{"a": 1}')
    assert not closed.matches('{"a": {"c": 1}}')
    assert not closed.matches("1")
    assert not closed.matches('{"c": 1}')
    assert schema_to_grammar(untyped).matches("1")


def test_a_count_of_members_is_reported_where_one_may_come_twice() -> None:
    schema = {"type": "object", "minProperties": 2}
    assert [entry.keyword for entry in schema_to_grammar(schema).report] == ["minProperties"]
    closed = {**schema, "properties": {"a": {}, "b": {}}, "additionalProperties": False}
    assert schema_to_grammar(closed).report == ()


def test_what_stands_before_the_sign_of_an_address_has_64_characters_at_most() -> None:
    grammar = schema_to_grammar({"type": "string", "format": "email"})
    assert grammar.matches(f'"{"a" * 64}@b.c"')
    assert not grammar.matches(f'"{"a" * 65}@b.c"')
