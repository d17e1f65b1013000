"""``POST /v1/chat/completions``: the wire of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.calls import CallForm
from gguf_fc.protocols.chat.reply import ChatReply, ChatStream
from gguf_fc.protocols.chat.request import callables_of, choices, request_for
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Asked, Envelope, Json
from gguf_fc.protocols.sse_frames import PING, error_frame
from gguf_fc.protocols.stream_options import unpadded
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAsked(Asked[Request]):
    """Requests of a chat completion, and the form in which it reads calls."""

    form: CallForm


@dataclass(frozen=True, slots=True)
class ChatWire:
    """Chat completions.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    media_type: str = "text/event-stream"
    ping: bytes | None = PING

    def read(self, body: bytes, headers: Mapping[str, str]) -> ChatAsked:  # noqa: ARG002
        """Requests of *body*, one a choice.  Raises RequestError."""
        fields, ignored = CHAT.parse(body)
        callables = callables_of(fields)
        padding = unpadded(fields.stream_options) if fields.stream_options else ()
        request = request_for(fields, callables, self.pool.sampling(fields.model))
        return ChatAsked(
            requests=choices(request, fields.n or 1),
            stream=request.stream,
            ignored=(*ignored, *request.unread_arguments, *padding),
            form=CallForm(callables.legacy, callables.custom),
        )

    def reply(self, asked: ChatAsked, envelope: Envelope) -> ChatReply:
        """A fold for one reply."""
        return ChatReply(envelope, asked.form)

    def stream(self, asked: ChatAsked, envelope: Envelope) -> ChatStream:
        """An encoder for one stream."""
        return ChatStream(
            envelope, asked.requests[0].include_usage, len(asked.requests), asked.form
        )

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose job was not accepted in the end."""
        return error_frame(error)
