"""Wire of a protocol: reads a body, writes a reply, writes a stream.

Every protocol is a ``Wire`` over the same events, so a call means the same in each.  Nothing here
knows how a reply is generated or sent.  To add a protocol (``docs/add-a-protocol.md`` has it all):

1. a folder beside the others with ``schema`` (the body as structs, and its table of ``Fields``),
   ``request`` (body to ``Request``, errors with their paths), ``reply`` (a ``WireReply`` and a
   ``WireStream`` over the same events) and ``wire``, which puts the three together;
2. a route in ``server/routes.py`` and an entry in ``server/operations.py``.

It imports what stands in this folder, and OpenAI's objects from ``dialect/openai_json``; never
another protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from gguf_fc.events import Event

Json = dict[str, Any]
R_co = TypeVar("R_co", covariant=True)
A = TypeVar("A", bound="Asked[Any]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[R_co]):
    """Requests of one body.  A protocol adds what its replies need to know of the body."""

    requests: tuple[R_co, ...]  # one for each choice; at least one, all of the same model
    stream: bool = False
    ignored: tuple[str, ...] = ()  # fields that were accepted without effect


@dataclass(frozen=True, slots=True)
class Envelope:
    """Fields that every object of one reply repeats."""

    id: str
    created: int  # seconds since 1970
    model: str
    prompt_tokens: int = 0  # of the first choice
    loosened: tuple[str, ...] = ()  # "path:keyword" for each schema keyword no grammar can hold
    left_out: int = 0  # messages, because the conversation was too long


class WireReply(Protocol):
    """Folds events into one reply."""

    def add(self, choice: int, event: Event) -> None:
        """Take in an event of one choice."""
        ...

    def result(self) -> Json:
        """The whole reply; only after every choice has had its ``Finish``."""
        ...


class WireStream(Protocol):
    """Encodes events as frames, each ready to be sent."""

    def begin(self) -> Iterator[bytes]:
        """Frames that open the stream, sent as soon as the engine has accepted the job."""
        ...

    def encode(self, choice: int, event: Event) -> Iterator[bytes]:
        """The frames that carry an event of one choice."""
        ...

    def end(self) -> Iterator[bytes]:
        """Frames that close a stream that went well."""
        ...

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the last frame, after ``begin``."""
        ...


class Wire(Protocol[A]):
    """One protocol.  *media_type* is that of its streams."""

    @property
    def media_type(self) -> str: ...

    @property
    def ping(self) -> bytes | None:
        """Frame that keeps a silent stream alive, where the protocol has one."""
        ...

    def read(self, body: bytes, headers: Mapping[str, str]) -> A:
        """Requests of *body*, one a choice.  Raises RequestError."""
        ...

    def reply(self, asked: A, envelope: Envelope) -> WireReply:
        """A fold for one reply."""
        ...

    def stream(self, asked: A, envelope: Envelope) -> WireStream:
        """An encoder for one stream."""
        ...

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        ...

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose job was not accepted in the end."""
        ...
