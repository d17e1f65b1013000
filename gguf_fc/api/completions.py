"""``POST /v1/chat/completions``: the wire of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gguf_fc.api.chat import ChatReply, ChatStream
from gguf_fc.api.chat_request import to_request
from gguf_fc.api.failure import error_body
from gguf_fc.api.schema import CHAT
from gguf_fc.api.sse import PING, error_frame
from gguf_fc.api.wire import Asked, Envelope, Json
from gguf_fc.models.pool import Pool
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True)
class ChatWire:
    """Chat completions.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    media_type: str = "text/event-stream"
    ping: bytes | None = PING

    def read(self, body: bytes, headers: Mapping[str, str]) -> Asked[Request]:  # noqa: ARG002
        """What *body* asks for.  Raises RequestError."""
        fields, ignored = CHAT.parse(body)
        request = to_request(fields, self.pool.sampling(fields.model))
        return Asked(requests=(request,), stream=request.stream, ignored=ignored)

    def reply(self, asked: Asked[Request], envelope: Envelope) -> ChatReply:  # noqa: ARG002
        """A fold for one reply."""
        return ChatReply(envelope)

    def stream(self, asked: Asked[Request], envelope: Envelope) -> ChatStream:
        """An encoder for one stream."""
        return ChatStream(envelope, asked.requests[0].include_usage, len(asked.requests))

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose work was not accepted in the end."""
        return error_frame(error)
