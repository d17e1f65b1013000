"""Messages of a job become events: scores and reasoning are counted where they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.write import Call, write
from gguf_fc.errors import EngineError
from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Event,
    Finish,
    ParseEvent,
    ReasoningDelta,
    Scores,
    TextDelta,
)
from gguf_fc.generation.job_events import job_events
from gguf_fc.generation.reply_memory import MadeCall
from gguf_fc.generation.reply_reader import ReplyReader
from gguf_fc.generation.validation import Validators
from gguf_fc.job import Chunk, Done, FromWorker, Pong
from gguf_fc.request import Request
from gguf_fc.scored_tokens import TokenLogprob
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


def events(
    messages: Sequence[FromWorker],
    cancel: Callable[[], None] = lambda: None,
    **asked: Any,
) -> list[Event]:
    async def arriving() -> AsyncGenerator[FromWorker]:
        for message in messages:
            yield message

    async def gathered() -> list[Event]:
        request = Request(model=None, messages=(), **asked)
        reader = ReplyReader(Parser(TAGGED, {"look": None}, lambda: "id"), request, Validators())
        found = [item async for item in job_events(3, arriving(), reader, "messages", cancel)]
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


CALL = write(TAGGED, calls=[Call("look", {"city": "Paris"})])
OTHER = write(TAGGED, calls=[Call("look", {"city": "Lyon"})])


def names_of(said: Sequence[Event]) -> list[int]:
    return [event.index for event in said if isinstance(event, CallStart)]


@pytest.mark.parametrize("stream", [False, True])
def test_a_repeated_call_cancels_the_job_and_ends_the_reply(stream: bool) -> None:  # noqa: FBT001
    cancelled: list[None] = []
    pieces = map(chunk, (*CALL, *OTHER, *CALL, *OTHER))
    messages: list[FromWorker] = [*pieces, done("cancelled")]
    said = events(messages, lambda: cancelled.append(None), stream=stream)
    assert names_of(said) == [0, 1]
    assert len(cancelled) == 1
    last = said[-1]
    assert isinstance(last, Finish)
    assert (last.done, last.repeated_calls) == (done("stop"), 1)


@pytest.mark.parametrize("reason", ["stop", "length", "cancelled"])
def test_a_job_that_ended_before_it_was_cancelled_ends_the_reply_the_same_way(reason: str) -> None:
    said = events([chunk(CALL + CALL + OTHER), done(reason)])
    assert names_of(said) == [0]
    assert said[-1] == Finish(done("stop"), (Check("tool_calls[0]", "valid"),), 0, 1)


def test_whoever_asks_for_parallel_calls_gets_the_same_call_twice() -> None:
    cancelled: list[None] = []
    said = events(
        [chunk(CALL + CALL), done()], lambda: cancelled.append(None), parallel_tool_calls=True
    )
    assert names_of(said) == [0, 1]
    assert cancelled == []


def test_complete_calls_are_remembered_with_the_reasoning_before_the_first() -> None:
    made: list[MadeCall] = []
    parsed: list[ParseEvent] = [
        *(ReasoningDelta("Let me "), ReasoningDelta("see."), TextDelta("So:")),
        *(CallStart(0, "a", "f"), CallDelta(0, '{"x": '), CallDelta(0, "1}"), CallEnd(0)),
        *(ReasoningDelta("And"), CallStart(1, "b", "g"), CallDelta(1, "{}"), CallEnd(1)),
        *(CallStart(2, "c", "f"), CallDelta(2, '{"x')),
    ]

    class Scripted:
        def feed(self, piece: str) -> list[ParseEvent]:  # noqa: ARG002
            return [*parsed]

        def finish(self, *, whole: bool = True, stopped: bool = False) -> list[ParseEvent]:  # noqa: ARG002
            return []

    request = Request(model=None, messages=())
    reader = ReplyReader(Scripted(), request, Validators(), remember=made.append)
    asyncio.run(reader.feed(chunk("x")))
    assert made == [
        MadeCall("a", "f", '{"x": 1}', "Let me see."),
        MadeCall("b", "g", "{}", "Let me see."),
    ]
