"""Replies in the form of every template there is, ours and real ones: held, read, and cut off."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from random import Random

import pytest

from gguf_fc.dialect.constrain.grammar import Wanted, build_grammar
from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.events import ParseEvent, TextDelta
from gguf_fc.request import Tool, ToolChoice
from tests.dialect.test_grammar_and_parser import TOOLS
from tests.support.corpus import ours, real
from tests.support.families import hear
from tests.support.models import DATA
from tests.support.sampling import Sampler, hostile_pieces
from tests.support.syntaxes import RECIPIENT, THINK

SCHEMAS = {tool.name: tool.parameters for tool in TOOLS}
CORPORA = ("ours", "real")


@cache
def syntaxes_of(corpus: str) -> dict[str, Syntax]:
    """Every different syntax of *corpus* by one of its templates; skips where there is none."""
    if corpus == "real" and not (DATA / "templates").exists():
        pytest.skip(f"no templates in {DATA}; set GGUF_FC_DATA")
    found: dict[Syntax, str] = {}
    for name, dialect in (ours() if corpus == "ours" else real()).items():
        found.setdefault(dialect.syntax, name)
    return {name: syntax for syntax, name in found.items()}


def tools_of(syntax: Syntax) -> tuple[Tool, ...]:
    """The tools whose arguments the grammar holds: a key is not held to be repeated."""
    if syntax.quoted:
        return ()
    return TOOLS[:1] if syntax.pairs is not None and syntax.pairs.item is not None else TOOLS


def in_pieces(text: str, drawn: Random) -> list[str]:
    """*text* cut anywhere."""
    ends = sorted({*(drawn.randrange(len(text) + 1) for _ in range(1 + len(text) // 9)), len(text)})
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize("mode", ["required", "auto"])
@pytest.mark.parametrize("corpus", CORPORA)
def test_what_is_drawn_from_the_grammar_is_read_in_whatever_pieces_it_comes(
    corpus: str, mode: str
) -> None:
    drawn = Random(7)  # noqa: S311
    for name, syntax in syntaxes_of(corpus).items():
        tools = tools_of(syntax)
        if not tools:
            continue
        grammar = build_grammar(syntax, Wanted(tools=tools, choice=ToolChoice(mode)))  # type: ignore[arg-type]
        required = build_grammar(syntax, Wanted(tools=tools, choice=ToolChoice("required")))
        sampler = Sampler(grammar.rules, hostile_pieces(syntax), drawn)
        for _ in range(3):
            text = sampler.text()
            heard = hear(Parser(syntax, SCHEMAS, str), [text])
            assert hear(Parser(syntax, SCHEMAS, str), in_pieces(text, drawn)) == heard, (name, text)
            assert heard.started == heard.ended, (name, text)
            if mode == "required":
                assert heard.calls, (name, text)
                assert not heard.content.strip(), (name, text)
            calls = [Call(called, json.loads(given), "abcdefgh0") for called, given in heard.calls]
            if calls:
                again = write(syntax, calls=calls, schemas=SCHEMAS)
                assert required.matches(again), (name, text, again)


def said(events: list[ParseEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta)).strip()


@pytest.mark.parametrize("corpus", CORPORA)
def test_a_reply_that_ends_anywhere_shows_no_part_of_a_mark(corpus: str) -> None:
    calls = [Call("write_file", {"path": "a"}, "abcdefgh0"), Call("get", {}, "abcdefgh1")]
    for name, syntax in syntaxes_of(corpus).items():
        text = write(syntax, calls=calls if syntax.parallel else calls[:1], schemas=SCHEMAS)
        streamed = Parser(syntax, SCHEMAS, str)
        for end in range(1, len(text) + 1):
            # Cancelled: what was sent so far is all there is.
            assert said(streamed.feed(text[end - 1])) == "", (name, text[:end])
            if end % 3:
                continue
            for stopped in (False, True):
                parser = Parser(syntax, SCHEMAS, str)
                events = [*parser.feed(text[:end]), *parser.finish(whole=False, stopped=stopped)]
                assert said(events) == "", (name, text[:end])


def test_reasoning_before_a_turn_that_the_prompt_has_begun_is_reasoning() -> None:
    syntax = replace(RECIPIENT, opened=">>>", reasoning=THINK)
    for begun, thought in (("<think>hm</think>>>>", "hm"), ("", ""), (">>>", "")):
        heard = hear(Parser(syntax, SCHEMAS, str), f'{begun}write_file\n{{"path": "a"}}')
        assert (heard.reasoning, heard.content, heard.ended) == (thought, "", 1)
