"""Errors as Ollama's clients expect them: ``{"error": "what is wrong"}``."""

from __future__ import annotations

from gguf_fc.protocols.error_body import message_with_param
from gguf_fc.protocols.protocol import Json


def error_body(error: Exception) -> Json:
    """*error* as a body, or as a line."""
    return {"error": message_with_param(error)}
