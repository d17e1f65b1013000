"""Text that does not begin like some others: printed, matched and told apart by both engines."""

from __future__ import annotations

import pytest

from gguf_fc.grammar import Builder, Grammar, Literal, choice, not_opening, parse_gbnf, sequence
from gguf_fc.grammar.match import Matcher

NAMES = ("get", "get_weather", "files.write", " ")
TEXTS = {
    "": True,
    "ge": True,
    "go": True,
    "gets": False,
    "get_weather": False,
    "files": True,
    "files.writer": False,
    "Get": True,
    " get": False,
    "Zürich\nget": True,
}


@pytest.mark.parametrize(("text", "free"), TEXTS.items())
def test_only_text_without_such_a_beginning_is_free(text: str, free: bool) -> None:  # noqa: FBT001
    builder = Builder()
    grammar = Grammar(builder.build(not_opening(builder, NAMES)), ())
    assert grammar.matches(text) == free
    assert Matcher(parse_gbnf(grammar.gbnf)).matches(text) == free


def test_beside_the_openings_every_text_has_one_reading() -> None:
    builder = Builder()
    call = sequence(choice(*map(Literal, NAMES[:3])), Literal("\n{}"))
    grammar = Grammar(builder.build(choice(call, not_opening(builder, NAMES))), ())
    assert grammar.matches("get_weather\n{}")
    assert grammar.matches("gone")
    assert not grammar.matches("get_weather is")


def test_without_openings_any_text_is_free() -> None:
    builder = Builder()
    assert Grammar(builder.build(not_opening(builder, ())), ()).matches("get anything")
