"""What a client began is not repeated, however the rest arrives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect import SkipPrefill, Unsaid
from gguf_fc.dialect.read.reply import read
from gguf_fc.events import ReasoningDelta, TextDelta
from tests.support.templates import dialect_of

USER = {"role": "user", "content": "How is Paris?"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def heard(turn: dict[str, Any], pieces: list[str], name: str = "tagged") -> tuple[str, str]:
    """What a client reads, content and reasoning, behind *turn*."""
    dialect = dialect_of(name)
    prompt = dialect.render([USER, {"role": "assistant", **turn}], tools=[TOOL])
    parser = SkipPrefill(dialect.parser([TOOL], prefill=prompt.prefill), prompt)
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.finish()
    content = [e.text for e in events if isinstance(e, TextDelta)]
    thought = [e.text for e in events if isinstance(e, ReasoningDelta)]
    return "".join(content), "".join(thought)


@pytest.mark.parametrize(
    ("turn", "text", "content", "thought"),
    [
        ({"content": "Paris is"}, " fine.", " fine.", ""),
        ({"content": "Paris is "}, "fine.", "fine.", ""),
        ({"content": "\nParis"}, " is", " is", ""),
        (
            {"content": "", "reasoning_content": "Well,"},
            " yes.\n</think>\n\nFine.",
            "Fine.",
            " yes.",
        ),
        ({"content": "Fine", "reasoning_content": "Well."}, " day.", " day.", ""),
        ({"content": "aa"}, "aab", "aab", ""),
    ],
)
def test_only_what_is_new_is_said(
    turn: dict[str, Any], text: str, content: str, thought: str
) -> None:
    assert heard(turn, [text]) == (content, thought)
    assert heard(turn, list(text)) == (content, thought)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.text("ab \n", min_size=1), st.text("ab \n"), st.sampled_from(["tagged", "no_tools"]))
def test_said_and_new_are_the_whole(said: str, more: str, name: str) -> None:
    whole = dialect_of(name).parse(said + more, tools=[TOOL]).content or ""
    content, _ = heard({"content": said}, [more], name)
    assert (said.lstrip() + content).strip() == whole.strip()


@pytest.mark.parametrize(
    ("turn", "text", "content"),
    [
        (
            {"content": "", "reasoning_content": "Well,"},
            " yes.\n</think>\n\nFine.",
            " yes.\n</think>\n\nFine.",
        ),
        ({"content": "Fine", "reasoning_content": "Well."}, " day.", " day."),
    ],
)
def test_reasoning_that_is_text_is_not_repeated_either(
    turn: dict[str, Any], text: str, content: str
) -> None:
    dialect = dialect_of("tagged")
    prompt = dialect.render([USER, {"role": "assistant", **turn}])
    parser = SkipPrefill(dialect.parser(prefill=prompt.prefill, inline=True), prompt)
    events = [*parser.feed(text), *parser.finish()]
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == content


def test_calls_are_passed_on() -> None:
    dialect = dialect_of("tagged")
    prompt = dialect.render([USER, {"role": "assistant", "content": "I look."}], tools=[TOOL])
    parser = SkipPrefill(dialect.parser([TOOL], prefill=prompt.prefill), prompt)
    text = dialect.write(tool_calls=[{"name": "look", "arguments": {}}])
    names = [type(event).__name__ for event in [*parser.feed("\n" + text), *parser.finish()]]
    assert names[0] == "CallStart"
    assert names[-1] == "CallEnd"
    assert read(dialect.parser([TOOL]), text).tool_calls


def test_a_parser_that_was_told_of_no_beginning_hears_everything() -> None:
    dialect = dialect_of("no_tools")
    prompt = dialect.render([USER, {"role": "assistant", "content": "Fine"}])
    parser = SkipPrefill(dialect.parser(), prompt)
    assert [*parser.feed("Fine."), *parser.finish()] == [TextDelta("Fine.")]


def test_the_name_of_earlier_releases_is_still_importable() -> None:
    assert Unsaid is SkipPrefill
