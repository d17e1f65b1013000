"""The check: a syntax that is wrong in any way is objected to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gguf_fc.dialect.learn.check import objections, self_objections
from gguf_fc.dialect.learn.probe import ARGUMENTS, IDS, NAMES, Renderings, probe
from gguf_fc.dialect.prompt.render import Chat, probe_clock
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.dialect.syntax import Marked, Pair, Pairs, Placeholder, Syntax
from gguf_fc.dialect.write import Call, write
from tests.support.families import FAMILIES, family_dialect
from tests.support.syntaxes import NAME, RECIPIENT, SYNTAXES, TAGGED
from tests.support.templates import template_text

SEEN = probe(
    Chat(
        template=Template(template_text("tagged")),
        bos_token="<s>",  # noqa: S106  not a password
        eos_token="</s>",  # noqa: S106
        clock=probe_clock,
    )
)
CALLS = [Call(NAMES[0], ARGUMENTS[0], IDS[0])]


def only(syntax: Syntax) -> Renderings:
    """What a template would show that writes one call as *syntax* does, and nothing else."""
    return replace(SEEN, one=write(syntax, calls=CALLS), two=None, three=None, rich=None)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_was_derived_agrees_with_itself(name: str) -> None:
    assert self_objections(family_dialect(name).syntax) == []


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
def test_what_was_made_by_hand_agrees_with_itself(syntax: Syntax) -> None:
    assert self_objections(syntax) == []


def test_arguments_that_are_null_may_be_left_out() -> None:
    syntax = family_dialect("key_tags").syntax
    assert syntax.pairs is not None
    assert self_objections(replace(syntax, pairs=replace(syntax.pairs, nulls=False))) == []


def test_the_right_syntax_is_trusted() -> None:
    assert objections(TAGGED, "", SEEN) == []


def test_calls_that_the_template_separates_otherwise_are_not_its_own() -> None:
    (objection,) = objections(replace(TAGGED, separator=" and "), "", SEEN)
    assert objection.startswith("the template does not write")


NAMELESS = Syntax(call=("<call>", Placeholder("arguments"), "</call>"))
CLOSED_EARLY = Syntax(
    call=("<call ", NAME, ">", Placeholder("arguments"), "</call>"),
    separator="",
    pairs=Pairs(text=Pair("<p>", "=", ("b",)), other=Pair("<p>", "=", ("b",))),
)


def test_what_is_not_read_back_is_not_trusted() -> None:
    assert "is not read back" in objections(NAMELESS, "", only(NAMELESS))[0]
    assert "is not read back" in self_objections(NAMELESS)[0]


@pytest.mark.parametrize(
    ("syntax", "objection"),
    [
        (CLOSED_EARLY, "the grammar refuses"),
        (NAMELESS, "the grammar accepts a damaged call"),
        (replace(RECIPIENT, content=Marked(">>>")), "the grammar does not tell calls from text"),
        (Syntax(call=("Velvet", NAME, "|", Placeholder("arguments"))), "text is not written as"),
    ],
)
def test_a_grammar_that_does_not_fit_is_objected_to(syntax: Syntax, objection: str) -> None:
    shown = replace(SEEN, one=None, two=None, three=None, rich=None)
    found = objections(syntax, "", shown)
    assert any(text.startswith(objection) for text in found), found
