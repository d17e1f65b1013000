"""``POST /v1/messages``: the wire of the Messages protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.messages.error_body import error_body
from gguf_fc.protocols.messages.reply import Manner, MessageReply, MessageStream
from gguf_fc.protocols.messages.request import omits_thinking, to_request
from gguf_fc.protocols.messages.schema import MESSAGES
from gguf_fc.protocols.protocol import Asked, Envelope, Json
from gguf_fc.protocols.sse_frames import named_frame
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesAsked(Asked[Request]):
    """One request, and what its reply has to know of it."""

    manner: Manner = field(default_factory=Manner)


@dataclass(frozen=True, slots=True)
class MessagesWire:
    """Messages.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    media_type: str = "text/event-stream"
    ping: bytes | None = named_frame({"type": "ping"})

    def read(self, body: bytes, headers: Mapping[str, str]) -> MessagesAsked:  # noqa: ARG002
        """Requests of *body*, one a choice.  Raises RequestError."""
        fields, ignored = MESSAGES.parse(body)
        request, passed_over = to_request(fields, self.pool.sampling(fields.model))
        return MessagesAsked(
            requests=(request,),
            stream=request.stream,
            ignored=(*ignored, *passed_over),
            manner=Manner(max_tokens=fields.max_tokens, omits_thinking=omits_thinking(fields)),
        )

    def reply(self, asked: MessagesAsked, envelope: Envelope) -> MessageReply:
        """A fold for one message."""
        return MessageReply(envelope, asked.manner)

    def stream(self, asked: MessagesAsked, envelope: Envelope) -> MessageStream:
        """An encoder for one stream."""
        return MessageStream(envelope, asked.manner)

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose job was not accepted."""
        return named_frame(error_body(error))
