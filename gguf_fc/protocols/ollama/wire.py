"""``POST /api/chat`` and ``POST /api/generate``: the wires of Ollama's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.ollama.error_body import error_body
from gguf_fc.protocols.ollama.names import entry_of
from gguf_fc.protocols.ollama.reply import OllamaKind, OllamaReply, OllamaStream, line, piece
from gguf_fc.protocols.ollama.request import RawPrompt, chat_request, generate_request
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT, OLLAMA_GENERATE
from gguf_fc.protocols.protocol import Asked, Envelope, Json
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaAsked(Asked[Request | RawPrompt]):
    """One request, and the model as the client called it."""

    name: str


@dataclass(frozen=True, slots=True)
class OllamaWire:
    """One of the two kinds of request.  *pool* knows the sampling defaults of its models."""

    pool: Pool
    kind: OllamaKind
    media_type: str = "application/x-ndjson"

    @property
    def ping(self) -> bytes:
        """An empty piece that keeps a silent stream alive: this protocol has no comments."""
        return line(piece(self.kind) | {"done": False})

    def read(self, body: bytes, headers: Mapping[str, str]) -> OllamaAsked:  # noqa: ARG002
        """Requests of *body*, one a choice.  Raises RequestError."""
        if self.kind == "chat":
            chat, ignored = OLLAMA_CHAT.parse(body)
            entry = entry_of(self.pool, chat.model)
            request = chat_request(chat, entry.alias, entry.sampling)
            return OllamaAsked(
                requests=(request,),
                stream=chat.stream is not False,
                ignored=(*ignored, *request.unread_arguments),
                name=chat.model,
            )
        prompt, ignored = OLLAMA_GENERATE.parse(body)
        entry = entry_of(self.pool, prompt.model)
        return OllamaAsked(
            requests=(generate_request(prompt, entry.alias, entry.sampling),),
            stream=prompt.stream is not False,
            ignored=ignored,
            name=prompt.model,
        )

    def reply(self, asked: OllamaAsked, envelope: Envelope) -> OllamaReply:
        """A fold for one reply."""
        return OllamaReply(self.kind, asked.name, envelope)

    def stream(self, asked: OllamaAsked, envelope: Envelope) -> OllamaStream:
        """An encoder for one stream."""
        return OllamaStream(self.kind, asked.name, envelope)

    def error_body(self, error: Exception) -> Json:
        """*error* as the body of a response."""
        return error_body(error)

    def error_frame(self, error: Exception) -> bytes:
        """*error* as the only line of a stream whose job was not accepted."""
        return line(error_body(error))
