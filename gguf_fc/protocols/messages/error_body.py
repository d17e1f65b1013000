"""Errors as clients of the Messages protocol expect them."""

from __future__ import annotations

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.error_body import message_with_param
from gguf_fc.protocols.protocol import Json

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def error_body(error: Exception) -> Json:
    """*error* as a body, or as an event."""
    status = error.status if isinstance(error, GgufFcError) else 500
    shown = {"type": _TYPES.get(status, "api_error"), "message": message_with_param(error)}
    return {"type": "error", "error": shown}
