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

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from gguf_fc.events import Event
from gguf_fc.protocols.error_body import ErrorBody, error_body

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
    warnings: tuple[str, ...] = ()  # sentences for whoever sent the request


class WireReply(Protocol):
    """Folds events into one reply."""

    def add(self, choice: int, event: Event) -> None:
        """Take in an event of one choice."""
        ...

    def result(self) -> Json:
        """The whole reply; only after every choice has had its ``Finish``."""
        ...


class WireStream(Protocol):
    """Encodes events as JSON objects, each of which is one frame of the stream."""

    def begin(self) -> Iterator[Json]:
        """Objects that open the stream, sent as soon as the engine has accepted the job."""
        ...

    def encode(self, choice: int, event: Event) -> Iterator[Json]:
        """The objects that carry an event of one choice."""
        ...

    def end(self) -> Iterator[Json]:
        """Objects that close a stream that went well."""
        ...

    def fail(self, error: Exception) -> Json:
        """*error* as the last object, after ``begin``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """Frames around the objects of a stream, which the server writes."""

    form: Literal["events", "named events", "lines"] = "events"  # named for the object's ``type``
    done: bool = False  # ``[DONE]`` ends a stream that went well
    ping: Json | None = None  # keeps a silent stream alive; events have a comment if there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire(Generic[A]):
    """One protocol: the functions that read its bodies and begin its replies."""

    read: Callable[[bytes], A]  # a body to its requests, one a choice; raises RequestError
    reply: Callable[[A, Envelope], WireReply]
    stream: Callable[[A, Envelope], WireStream]
    framing: Framing = Framing()
    error_body: ErrorBody = error_body  # an error as the body of a response
    error_event: ErrorBody = error_body  # and as all of a stream whose job was not accepted
