"""``POST /api/chat`` and ``POST /api/generate``: the wires of Ollama's protocol."""

from __future__ import annotations

from functools import partial

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.ollama.error_body import error_body
from gguf_fc.protocols.ollama.reply import OllamaKind, OllamaReply, OllamaStream, piece
from gguf_fc.protocols.ollama.request import OllamaAsked, read_chat, read_generate
from gguf_fc.protocols.protocol import Framing, Wire


def ollama_wire(pool: Pool, kind: OllamaKind) -> Wire[OllamaAsked]:
    """One of the two kinds of request, for the models of *pool*."""
    return Wire(
        read=partial(read_chat if kind == "chat" else read_generate, pool=pool),
        reply=lambda asked, envelope: OllamaReply(kind, asked.name, envelope),
        stream=lambda asked, envelope: OllamaStream(kind, asked.name, envelope),
        # An empty piece keeps a silent stream alive: lines have no comments.
        framing=Framing(form="lines", ping=piece(kind) | {"done": False}),
        error_body=error_body,
        error_event=error_body,
    )
