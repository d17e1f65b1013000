"""The shortest beginning that tells a text from others: printed, matched and lexed alike."""

from __future__ import annotations

import pytest

from gguf_fc.grammar import (
    Builder,
    Grammar,
    Literal,
    Until,
    choice,
    departing,
    parse_gbnf,
    sequence,
)
from gguf_fc.grammar.match import Matcher
from tests.support.lexing import LlguidanceGrammar

OPENINGS, MARKS = ("{", "<call>", "get"), ("<call>", "]<]x")
BEGINNINGS = {
    "": False,
    "a": True,
    "<b": True,
    "<c": False,
    "<ca ": True,
    "<<": False,  # what follows may make it a mark
    "]": False,
    "{": False,
    "ge.": True,
    "get": False,
    "ab": False,  # the first character told it
}


@pytest.mark.parametrize(("text", "departs"), BEGINNINGS.items())
def test_a_text_departs_with_the_first_character_that_tells_it(text: str, departs: bool) -> None:  # noqa: FBT001
    grammar = Grammar(Builder().build(departing(OPENINGS, MARKS)), ())
    assert grammar.matches(text) == departs
    assert Matcher(parse_gbnf(grammar.gbnf)).matches(text) == departs


@pytest.mark.parametrize("text", ["a<call>", "<b><call>", "<b <call>", "<cal<call>", "]<<call>"])
def test_no_mark_begins_in_the_beginning_itself(text: str) -> None:
    beginning = departing(OPENINGS, MARKS)
    node = choice(sequence(beginning, Until(("<call>",))), Literal("<call>{"))
    grammar = Grammar(Builder().build(node), ())
    engine = LlguidanceGrammar(grammar.llguidance())
    told = Grammar(Builder().build(beginning), ())
    departs = any(told.matches(text[:end]) for end in range(text.index("<call>") + 1))
    assert grammar.matches(text) == engine.matches(text) == departs
