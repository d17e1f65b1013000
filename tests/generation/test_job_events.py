"""Messages of a job become events: scores and reasoning are counted where they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from gguf_fc.dialect.read.parser import Parser
from gguf_fc.errors import EngineError
from gguf_fc.events import Event, Finish, ReasoningDelta, Scores, TextDelta
from gguf_fc.generation.job_events import job_events
from gguf_fc.generation.reply_reader import ReplyReader
from gguf_fc.generation.validation import Validators
from gguf_fc.job import Chunk, Done, FromWorker, Pong, TokenLogprob
from gguf_fc.request import Request
from tests.support.syntaxes import TAGGED

SCORE = TokenLogprob((97,), -1.0)


def done(reason: str = "stop") -> Done:
    return Done(
        id="1",
        finish_reason=reason,  # type: ignore[arg-type]
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=9,
        forced_tokens=0,
        decode_steps=1,
        prompt_ms=0,
        completion_ms=0,
    )


def chunk(text: str, *scores: TokenLogprob) -> Chunk:
    return Chunk(id="1", text=text, n_tokens=1, logprobs=scores)


def events(messages: Sequence[FromWorker]) -> list[Event]:
    async def arriving() -> AsyncGenerator[FromWorker]:
        for message in messages:
            yield message

    async def gathered() -> list[Event]:
        request = Request(model=None, messages=())
        reader = ReplyReader(Parser(TAGGED, {}, lambda: "id"), request, Validators())
        found = [item async for item in job_events(3, arriving(), reader, "messages")]
        assert {choice for choice, _ in found} == {3}
        return [event for _, event in found]

    return asyncio.run(gathered())


def test_scores_come_before_what_their_tokens_say() -> None:
    said = events([chunk("a", SCORE), done()])
    assert said == [Scores((SCORE,)), TextDelta("a"), Finish(done())]


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["plain", " text"], 0),
        (["<think>", "so", " and so", "</think>", "yes"], 4),
        (["<think>", "so", " and", " on"], 4),
    ],
)
def test_tokens_up_to_the_first_word_of_the_answer_are_reasoning(
    texts: list[str], count: int
) -> None:
    said = events([*map(chunk, texts), done()])
    last = said[-1]
    assert isinstance(last, Finish)
    assert last.reasoning_tokens == count
    assert any(isinstance(event, ReasoningDelta) for event in said) == bool(count)


def test_a_stream_that_the_engine_cut_off_is_an_error() -> None:
    with pytest.raises(EngineError, match="stopping"):
        events([chunk("a"), done("cancelled")])
    with pytest.raises(EngineError, match="out of turn"):
        events([Pong(1)])
