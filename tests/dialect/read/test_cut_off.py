"""Replies that are cut off anywhere: no call that was not closed ends, no mark is content."""

from __future__ import annotations

import pytest

from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.syntax import Pair, Pairs, Placeholder, Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.events import CallEnd, TextDelta
from tests.support import syntaxes
from tests.support.families import (
    EVERYTHING,
    FAMILIES,
    PARIS,
    TOOLS,
    Heard,
    family_dialect,
    hear,
)
from tests.support.syntaxes import TURNS, events_of, new_parser

NAME, ARGUMENTS = Placeholder("name"), Placeholder("arguments")


def in_pairs(before: str, between: str, after: str, call: str, closing: str) -> Syntax:
    pair = Pair(before, between, (after,))
    return Syntax(call=(call, NAME, '">', ARGUMENTS, closing), pairs=Pairs(text=pair, other=pair))


SYNTAXES = {
    "tags": in_pairs('<p n="', '">', "</p>", '<c n="', "</c>"),
    "one beginning": in_pairs(']<]<p n="', '">', "]<]</p>", ']<]<c n="', "]<]</c>"),
}


# Behind text no call is found in those of which a call begins with nothing but a name.
NAME_FIRST = {"fenced_python", "name_and_line"}
SYNTAX_OF = {
    **{name: family_dialect(name).syntax for name in FAMILIES if name not in NAME_FIRST},
    **syntaxes.SYNTAXES,
}
SCHEMAS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}


def cut_off(syntax: Syntax, pieces: list[str]) -> Heard:
    """What is read of a reply that something else than the model ended."""
    return hear(Parser(syntax, SCHEMAS, str), pieces, whole=False)


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES)
@pytest.mark.parametrize("turn", ["one call", "two calls"])
def test_only_a_call_that_was_closed_ends(syntax: Syntax, turn: str) -> None:
    calls = TURNS[turn].calls
    text = write(syntax, calls=calls)
    whole = events_of(new_parser(syntax), [text])
    assert sum(isinstance(event, CallEnd) for event in whole) == len(calls)
    closing = str(syntax.call[-1])
    for length in range(len(text)):
        events = events_of(new_parser(syntax), [text[:length]])
        ended = sum(isinstance(event, CallEnd) for event in events)
        # The last character of what closes a call may be missing, but nothing that tells it apart.
        assert ended <= (text[:length] + closing[-1]).count(closing), text[:length]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_part_of_a_mark_is_content_where_a_turn_is_cut_off(family: str) -> None:
    dialect = family_dialect(family)
    text = dialect.write(tool_calls=[EVERYTHING])
    for length in range(len(text)):
        whole = hear(dialect.parser(tools=TOOLS), [text[:length]])
        assert not (whole.started and whole.content), text[:length]
        if length % 9 == 0:
            assert hear(dialect.parser(tools=TOOLS), text[:length]) == whole


@pytest.mark.parametrize("content", ["", "Hello."])
@pytest.mark.parametrize("syntax", SYNTAX_OF.values(), ids=SYNTAX_OF)
def test_a_reply_cut_off_anywhere_shows_no_part_of_a_mark(syntax: Syntax, content: str) -> None:
    calls = [Call(PARIS["name"], PARIS["arguments"], "abcdefgh0"), Call("get", {}, "abcdefgh1")]
    reasoning = "Hm." if syntax.reasoning else ""
    calls = calls if syntax.parallel else calls[:1]
    text = write(syntax, content=content, reasoning=reasoning, calls=calls)
    for length in range(1, len(text)):
        whole = cut_off(syntax, [text[:length]])
        assert content.startswith(whole.content.strip()), text[:length]
        assert reasoning.startswith(whole.reasoning.strip()), text[:length]
        if length % 9 == 0:
            assert cut_off(syntax, [*text[:length]]) == whole


def test_what_the_model_itself_ended_stays_text_whatever_it_ends_with() -> None:
    for text in ("a <tool_call", '<tool_call>\n{"name": "get_wea'):
        assert hear(Parser(syntaxes.TAGGED, SCHEMAS, str), [text]).content == text


def test_a_stop_string_of_the_client_cuts_a_mark_off_too() -> None:
    parser = Parser(syntaxes.TAGGED, SCHEMAS, str)
    assert [*parser.feed('Hm. <tool_call>\n{"'), *parser.finish(stopped=True)] == [TextDelta("Hm.")]


def test_text_behind_a_call_is_content_whatever_it_ends_with() -> None:
    dialect = family_dialect("key_tags")
    text = dialect.write(tool_calls=[PARIS])
    heard = hear(dialect.parser(tools=TOOLS), f"{text} Is 1 <")
    assert (heard.ended, heard.content) == (1, "Is 1 <")
