"""``POST /v1/responses``: the wire of responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from gguf_fc.events import Event, Finish
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.fields import decode_object
from gguf_fc.protocols.protocol import Asked, Envelope, Json
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.echo import echo
from gguf_fc.protocols.responses.input import Given, read_input
from gguf_fc.protocols.responses.items import NewId, kept_items, with_types
from gguf_fc.protocols.responses.open_items import Shape
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.request import passed_over, shape_of, to_request
from gguf_fc.protocols.responses.response import Responder, error_event
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore, stored
from gguf_fc.protocols.sse_frames import PING
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedResponse(Asked[Request]):
    """What a body asks for, what the response repeats of it, and what it is kept with."""

    given: Given
    shape: Shape
    repeated: Json
    store: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesWire:
    """Responses.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    store: ResponseStore
    new_id: NewId
    clock: Callable[[], float]
    media_type: str = "text/event-stream"
    ping: bytes | None = PING

    def read(self, body: bytes, headers: Mapping[str, str]) -> AskedResponse:  # noqa: ARG002
        """What *body* asks for.  Raises RequestError."""
        fields = decode_object(body)
        parsed, ignored = RESPONSES.convert({**fields, "input": with_types(fields.get("input"))})
        given = read_input(parsed, self.store, self.new_id)
        messages = tuple(messages_of(given.placed))
        request = to_request(parsed, messages, self.pool.sampling(parsed.model))
        return AskedResponse(
            requests=(request,),
            stream=request.stream,
            ignored=(*ignored, *given.passed_over, *passed_over(parsed)),
            given=given,
            shape=shape_of(parsed),
            repeated=echo(parsed, request),
            store=parsed.store is not False,
        )

    def reply(self, asked: AskedResponse, envelope: Envelope) -> ResponsesReply:
        """A fold for one response."""
        return ResponsesReply(self._turn(asked, envelope))

    def stream(self, asked: AskedResponse, envelope: Envelope) -> ResponsesStream:
        """An encoder for one stream."""
        return ResponsesStream(self._turn(asked, envelope))

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a reply."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose work was not accepted in the end."""
        return frame(error_event(error))

    def _turn(self, asked: AskedResponse, envelope: Envelope) -> Turn:
        output = Output(self.new_id, asked.shape)
        responder = Responder(envelope, asked.repeated, output, self.clock)
        return Turn(responder, asked, self.store)


@dataclass(frozen=True, slots=True)
class Turn:
    """A response under way, and where it will be kept."""

    responder: Responder
    asked: AskedResponse
    store: ResponseStore

    def keep(self) -> None:
        """Keep the response as it now is, if that is wanted."""
        if self.asked.store:
            response, given = self.responder.response, self.asked.given
            output = kept_items(response["output"])
            self.store.add(stored(response, given.before, given.items, output))


@dataclass(frozen=True, slots=True)
class ResponsesReply:
    """Folds events into one response."""

    turn: Turn

    def add(self, choice: int, event: Event) -> None:  # noqa: ARG002
        """Take in an event."""
        for _ in self.turn.responder.encode(event):
            pass

    def result(self) -> Json:
        """The whole response."""
        self.turn.keep()
        return self.turn.responder.response


@dataclass(frozen=True, slots=True)
class ResponsesStream:
    """Encodes events as the protocol's, and those as frames."""

    turn: Turn

    def begin(self) -> Iterator[bytes]:
        """The frames that open the stream."""
        return map(frame, self.turn.responder.begin())

    def encode(self, choice: int, event: Event) -> Iterator[bytes]:  # noqa: ARG002
        """The frames that carry *event*.  A response is kept before its last is sent."""
        frames = [frame(sent) for sent in self.turn.responder.encode(event)]
        if isinstance(event, Finish):
            self.turn.keep()
        return iter(frames)

    def end(self) -> Iterator[bytes]:
        """Nothing: ``Finish`` has closed the stream."""
        return iter(())

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the last frame."""
        last = self.turn.responder.fail(error)
        self.turn.keep()
        return frame(last)


def frame(event: Json) -> bytes:
    """*event* with its name, as clients of this protocol expect it."""
    name: str = event["type"]
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"
