"""A generation under way, as every protocol gets it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from gguf_fc.events import Event
from gguf_fc.request import Request, TextRequest


@dataclass(frozen=True, slots=True)
class Generation:
    """A reply the engine has accepted and writes.  The last event of each choice is ``Finish``."""

    id: str
    model: str  # the name it is offered under
    prompt_tokens: int  # of the first choice
    loosened: tuple[str, ...]  # "path:keyword" for each schema keyword no grammar can hold
    events: AsyncGenerator[tuple[int, Event]]  # with the choice they belong to
    left_out: int = 0  # messages, because the conversation was too long
    warnings: tuple[str, ...] = ()  # sentences for whoever sent the request


# Leaving the context of a generation cancels what is not finished.  Entering it, or reading the
# events, raises RequestError or ServerError.
PendingGeneration = AbstractAsyncContextManager[Generation]
Generate = Callable[[Sequence[Request]], PendingGeneration]
Complete = Callable[[Sequence[TextRequest]], PendingGeneration]
