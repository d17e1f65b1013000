"""Messages of a job to events: the one reading of what the worker sends about a job.

A ``JobReader`` says what the text means: that of a conversation finds calls and reasoning, that of
a completion takes it as it is.  Knows no prompt, no schema and no protocol.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from gguf_fc.errors import (
    ContextLengthExceeded,
    EngineError,
    GgufFcError,
    InvalidParameter,
    error_for,
)
from gguf_fc.events import Event, Scores
from gguf_fc.job import Accepted, Chunk, Done, Failed, FromWorker, PromptScores
from gguf_fc.scored_tokens import TokenLogprob


class JobReader(Protocol):
    """Reads the text of one job."""

    @property
    def ended(self) -> bool:
        """True if the reply is at its end, whatever the model would still write."""
        ...

    def begin(self, prompt_scores: Sequence[TokenLogprob]) -> Iterable[Event]:
        """The events that come before the model's text."""
        ...

    async def feed(self, chunk: Chunk) -> Iterable[Event]:
        """The events that *chunk* completes."""
        ...

    async def finish(self, done: Done) -> Iterable[Event]:
        """The events that were held back, and ``Finish``."""
        ...


async def job_events(
    choice: int,
    messages: AsyncGenerator[FromWorker],
    reader: JobReader,
    param: str,
    cancel: Callable[[], None],
) -> AsyncGenerator[tuple[int, Event]]:
    """The events of a job, each with its *choice*: scores before their text, ``Finish`` last.

    *param* is the field of the request that holds the job's prompt; *cancel* ends the job where
    the reader ended the reply, and lets its counts come.  Raises GgufFcError.
    """
    prompt_scores: list[TokenLogprob] = []
    begun = False
    async for message in messages:
        match message:
            case Accepted():
                pass
            case Chunk() if reader.ended:
                pass  # written before the engine heard of it
            case PromptScores(logprobs=logprobs):
                prompt_scores += logprobs
            case Chunk() | Done():
                for event in () if begun else reader.begin(prompt_scores):
                    yield choice, event
                begun = True
                for event in await _read(message, reader):
                    yield choice, event
                if reader.ended and isinstance(message, Chunk):
                    cancel()
            case _:
                raise failure_of(message, param)


async def _read(message: Chunk | Done, reader: JobReader) -> Iterable[Event]:
    if isinstance(message, Chunk):
        events = await reader.feed(message)
        return (Scores(message.logprobs), *events) if message.logprobs else events
    if reader.ended:
        return await reader.finish(replace(message, finish_reason="stop"))
    if message.finish_reason == "cancelled":
        raise EngineError("The server is stopping; the reply was cut off.")
    return await reader.finish(message)


def failure_of(message: FromWorker, param: str) -> GgufFcError:
    """The error that *message* reports: ``Failed``, or one that is no answer to what was asked.

    *param* is the field of the request whose text was of no use.
    """
    if not isinstance(message, Failed):
        return EngineError(f"The engine answered out of turn: {message}.")
    error = error_for(message.code, message.message)
    if isinstance(error, ContextLengthExceeded | InvalidParameter):
        error.param = param
    return error
