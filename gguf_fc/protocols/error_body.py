"""Errors as clients of OpenAI's API expect them: ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gguf_fc.errors import GgufFcError

ErrorBody = Callable[[Exception], dict[str, Any]]  # the shape of errors in one protocol


def error_body(error: Exception) -> dict[str, Any]:
    """*error* for the body of a response, or for an event of a stream that has begun."""
    if isinstance(error, GgufFcError):
        return {
            "error": {
                "message": error.message,
                "type": error.type,
                "param": error.param,
                "code": error.code,
            }
        }
    return {
        "error": {
            "message": "The server failed on this request; its log has the details.",
            "type": "server_error",
            "param": None,
            "code": "internal_error",
        }
    }
