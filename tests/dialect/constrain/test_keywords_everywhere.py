"""Keywords of objects hold in every notation as they hold in JSON, or are reported as there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from gguf_fc import Dialect
from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.grammar import Grammar
from gguf_fc.request import Tool, ToolChoice
from tests.support.families import FAMILIES, family_dialect
from tests.support.lexing import LlguidanceGrammar
from tests.support.models import DATA
from tests.support.syntaxes import TAGGED
from tests.support.templates import NATIVE, dialect_of

TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
THREE = {"a": TEXT, "b": WHOLE, "c": {"type": "boolean"}}
CLOSED = {"required": ["kind"], "additionalProperties": False}
INNER = {"minProperties": 2, "dependentRequired": {"a": ["c"]}, "additionalProperties": False}


class Case(NamedTuple):
    """A schema of arguments, with arguments that are valid under it and some that are not."""

    keywords: dict[str, Any]
    valid: list[dict[str, Any]]
    invalid: list[dict[str, Any]]

    def calls(self) -> Iterator[tuple[dict[str, Any], bool]]:
        """Arguments of both, and whether they are valid."""
        yield from ((arguments, True) for arguments in self.valid)
        yield from ((arguments, False) for arguments in self.invalid)


CASES = {
    "dependentRequired": Case(
        {"properties": THREE, "dependentRequired": {"a": ["b"]}},
        [{}, {"b": 1}, {"c": True}, {"a": "x", "b": 1}, {"a": "x", "b": 1, "c": True}],
        [{"a": "x"}, {"a": "x", "c": True}, {"d": 1}],
    ),
    "minProperties": Case(
        {"properties": THREE, "minProperties": 2},
        [{"a": "x", "b": 1}, {"b": 1, "c": True}, {"a": "x", "b": 1, "c": True}],
        [{}, {"a": "x"}, {"c": True}],
    ),
    "maxProperties": Case(
        {"properties": THREE, "maxProperties": 1},
        [{}, {"a": "x"}, {"c": True}],
        [{"a": "x", "b": 1}, {"a": "x", "b": 1, "c": True}],
    ),
    "not": Case(
        {"properties": THREE, "not": {"required": ["a", "c"]}},
        [{}, {"a": "x", "b": 1}, {"b": 1, "c": True}],
        [{"a": "x", "c": True}, {"a": "x", "b": 1, "c": True}],
    ),
    "patternProperties": Case(
        {"properties": THREE, "patternProperties": {"^n_[a-z]+$": WHOLE}},
        [{}, {"a": "x", "n_one": 1}, {"n_one": 1, "n_two": 2}],
        [{"m_one": 1}, {"n_1": 1}, {"n_one": "x"}, {"a": "x", "n_one": True}],
    ),
    "propertyNames": Case(
        {"properties": THREE, "additionalProperties": WHOLE, "propertyNames": {"maxLength": 2}},
        [{}, {"a": "x", "de": 1}, {"de": 1}],
        [{"def": 1}, {"a": "x", "def": 1}, {"de": "x"}],
    ),
    "if": Case(
        {"properties": THREE, "if": {"required": ["a"]}, "then": {"required": ["c"]}},
        [{}, {"b": 1}, {"a": "x", "c": True}],
        [{"a": "x"}, {"a": "x", "b": 1}],
    ),
    "anyOf": Case(
        {"properties": THREE, "anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
        [{"a": "x"}, {"a": "x", "b": 1}, {"b": 1, "c": True}],
        [{}, {"b": 1}, {"c": True}],
    ),
    "oneOf": Case(
        {
            "oneOf": [
                {"properties": {"kind": {"const": "p"}, "at": WHOLE}, **CLOSED},
                {"properties": {"kind": {"const": "q"}, "to": TEXT}, **CLOSED},
            ]
        },
        [{"kind": "p"}, {"kind": "p", "at": 1}, {"kind": "q", "to": "x"}],
        [{}, {"at": 1}, {"kind": "p", "to": "x"}, {"kind": "q", "at": 1}, {"kind": "r"}],
    ),
    "objects inside": Case(
        {"properties": {"o": {"type": "object", "properties": THREE, **INNER}}},
        [{}, {"o": {"a": "x", "c": True}}, {"o": {"b": 1, "c": True}}],
        [{"o": {}}, {"o": {"b": 1}}, {"o": {"a": "x", "b": 1}}, {"o": {"b": 1, "d": 1}}],
    ),
    "known objects": Case(
        {"properties": {"o": {"enum": [{"a": "x", "b": [1, 2]}, {"c": True}]}}},
        [{}, {"o": {"a": "x", "b": [1, 2]}}, {"o": {"c": True}}],
        [{"o": {}}, {"o": {"a": "x"}}, {"o": {"a": "x", "b": [1]}}, {"o": {"c": False}}],
    ),
    "a pattern too large for a grammar": Case(
        {"properties": {"a": TEXT}, "patternProperties": {r"(a)\1": WHOLE}}, [{"a": "x"}], []
    ),
    "members too many to count": Case(
        {"properties": {f"p{n}": WHOLE for n in range(60)}, "minProperties": 40}, [{"p1": 1}], []
    ),
}


def grammar_of(syntax: Syntax, case: Case) -> Grammar:
    tool = Tool(name="look", parameters={"type": "object", **case.keywords})
    return build_grammar(syntax, Wanted(tools=(tool,), choice=ToolChoice("required")))


def written(syntax: Syntax, case: Case, arguments: dict[str, Any]) -> str:
    schemas = {"look": {"type": "object", **case.keywords}}
    return write(syntax, calls=[Call("look", arguments, "abcdefgh0")], schemas=schemas)


def reported(grammar: Grammar) -> set[str]:
    return {keyword for _, keyword, _ in grammar.report} - {"schema"}


def check(syntax: Syntax, case: Case) -> None:
    """Compare a syntax with JSON: what is accepted, and what is reported."""
    grammar, as_json = grammar_of(syntax, case), grammar_of(TAGGED, case)
    if syntax.quoted:  # a JSON string around the arguments, which is held to nothing
        assert "schema" in {keyword for _, keyword, _ in grammar.report}
        return
    for arguments, valid in case.calls():
        assert as_json.matches(written(TAGGED, case, arguments)) == valid, arguments
        assert grammar.matches(written(syntax, case, arguments)) == valid, arguments
    assert reported(grammar) == reported(as_json)


@cache
def ours() -> dict[str, Syntax]:
    dialects = {name: dialect_of(name) for name in NATIVE}
    dialects |= {name: family_dialect(name) for name in FAMILIES}
    return {name: dialect.syntax for name, dialect in dialects.items()}


@cache
def real() -> list[Syntax]:
    """Syntaxes of all real templates, each once."""
    return list(dict.fromkeys(_real()))


def _real() -> Iterator[Syntax]:
    for path in sorted((DATA / "templates").glob("*.jinja")):
        text = path.read_text(encoding="utf-8")
        yield Dialect.from_template(text, bos_token="<s>").syntax  # noqa: S106  no password


@pytest.mark.parametrize("keyword", CASES)
@pytest.mark.parametrize("name", [*NATIVE, *FAMILIES])
def test_a_keyword_holds_in_every_form_of_ours(name: str, keyword: str) -> None:
    check(ours()[name], CASES[keyword])


@pytest.mark.skipif(not (DATA / "templates").exists(), reason=f"no templates in {DATA}")
@pytest.mark.parametrize("keyword", CASES)
def test_a_keyword_holds_in_the_form_of_every_real_template(keyword: str) -> None:
    for syntax in real():
        check(syntax, CASES[keyword])


@pytest.mark.parametrize("keyword", CASES)
@pytest.mark.parametrize("name", [name for name in FAMILIES if ours()[name].pairs is not None])
def test_the_engines_read_the_rules_alike(name: str, keyword: str) -> None:
    syntax, case = ours()[name], CASES[keyword]
    grammar = grammar_of(syntax, case)
    engine = LlguidanceGrammar(grammar.llguidance())
    for arguments, _ in case.calls():
        text = written(syntax, case, arguments)
        assert engine.matches(text) == grammar.matches(text), text
