"""``POST /v1/completions``: the wire of completions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.completions.reply import TextReply, TextStream
from gguf_fc.protocols.completions.request import TextAsked, to_asked
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.sse_frames import PING, error_frame
from gguf_fc.protocols.stream_options import unpadded


@dataclass(frozen=True, slots=True)
class TextWire:
    """Completions.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    media_type: str = "text/event-stream"
    ping: bytes | None = PING

    def read(self, body: bytes, headers: Mapping[str, str]) -> TextAsked:  # noqa: ARG002
        """Requests of *body*, one a choice.  Raises RequestError."""
        fields, ignored = TEXT.parse(body)
        ignored = (*ignored, *unpadded(fields.stream_options))
        return to_asked(fields, ignored, self.pool.sampling(fields.model))

    def reply(self, asked: TextAsked, envelope: Envelope) -> TextReply:
        """A fold for one reply."""
        return TextReply(asked, envelope)

    def stream(self, asked: TextAsked, envelope: Envelope) -> TextStream:
        """An encoder for one stream."""
        return TextStream(asked, envelope)

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only frame of a stream whose job was not accepted in the end."""
        return error_frame(error)
