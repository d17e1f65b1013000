"""``POST /v1/responses``: the wire of responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.fields import decode_object
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.echo import echo
from gguf_fc.protocols.responses.input import read_input
from gguf_fc.protocols.responses.items import NewId, with_types
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.reply import (
    Responder,
    ResponseInProgress,
    ResponsesReply,
    ResponsesStream,
    error_event,
)
from gguf_fc.protocols.responses.request import ResponsesAsked, passed_over, shape_of, to_request
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.sse_frames import PING, named_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsesWire:
    """Responses.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    store: ResponseStore
    new_id: NewId
    clock: Callable[[], float]
    media_type: str = "text/event-stream"
    ping: bytes | None = PING

    def read(self, body: bytes, headers: Mapping[str, str]) -> ResponsesAsked:  # noqa: ARG002
        """Requests of *body*, one a choice.  Raises RequestError."""
        fields = decode_object(body)
        parsed, ignored = RESPONSES.convert({**fields, "input": with_types(fields.get("input"))})
        given = read_input(parsed, self.store, self.new_id)
        messages = tuple(messages_of(given.placed))
        request = to_request(parsed, messages, self.pool.sampling(parsed.model))
        return ResponsesAsked(
            requests=(request,),
            stream=request.stream,
            ignored=(
                *ignored,
                *given.passed_over,
                *passed_over(parsed),
                *request.unread_arguments,
            ),
            given=given,
            shape=shape_of(parsed),
            repeated=echo(parsed, request),
            store=parsed.store is not False,
        )

    def reply(self, asked: ResponsesAsked, envelope: Envelope) -> ResponsesReply:
        """A fold for one response."""
        return ResponsesReply(self._begun(asked, envelope))

    def stream(self, asked: ResponsesAsked, envelope: Envelope) -> ResponsesStream:
        """An encoder for one stream."""
        return ResponsesStream(self._begun(asked, envelope))

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a reply."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose job was not accepted in the end."""
        return named_frame(error_event(error))

    def _begun(self, asked: ResponsesAsked, envelope: Envelope) -> ResponseInProgress:
        output = Output(self.new_id, asked.shape)
        responder = Responder(envelope, asked.repeated, output, self.clock)
        return ResponseInProgress(responder, asked, self.store)
