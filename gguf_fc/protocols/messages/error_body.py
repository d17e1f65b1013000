"""Errors as clients of the Messages protocol expect them."""

from __future__ import annotations

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.protocol import Json

_TYPES = {
    400: "invalid_request_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def error_body(error: Exception) -> Json:
    """*error* as a body, or as an event.  The protocol has no place for the parameter but words."""
    message = "The server failed on this request; its log has the details."
    kind = "api_error"
    if isinstance(error, GgufFcError):
        named = error.param is None or error.param in error.message
        message = error.message if named else f"{error.param}: {error.message}"
        kind = _TYPES.get(error.status, kind)
    return {"type": "error", "error": {"type": kind, "message": message}}
