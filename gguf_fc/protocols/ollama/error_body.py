"""Errors as Ollama's clients expect them: ``{"error": "what is wrong"}``."""

from __future__ import annotations

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.protocol import Json


def error_body(error: Exception) -> Json:
    """*error* as a body, or as a line.  The protocol has no place for the parameter but words."""
    if not isinstance(error, GgufFcError):
        return {"error": "The server failed on this request; its log has the details."}
    named = error.param is None or error.param in error.message
    return {"error": error.message if named else f"{error.param}: {error.message}"}
