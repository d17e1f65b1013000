"""Errors as clients of OpenAI's API expect them: ``{"error": {message, type, param, code}}``.

Other protocols have shapes of their own, with the same words in them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gguf_fc.errors import GgufFcError

ErrorBody = Callable[[Exception], dict[str, Any]]  # the shape of errors in one protocol

FAULT = "The server failed on this request; its log has the details."  # no word of the exception


def error_body(error: Exception) -> dict[str, Any]:
    """*error* for the body of a response, or for an event of a stream that has begun."""
    if isinstance(error, GgufFcError):
        return _error(error.message, error.type, error.param, error.code)
    return _error(FAULT, "server_error", None, "internal_error")


def message_with_param(error: Exception) -> str:
    """The message of *error*, for a protocol that has no other place for the parameter."""
    if not isinstance(error, GgufFcError):
        return FAULT
    named = error.param is None or error.param in error.message
    return error.message if named else f"{error.param}: {error.message}"


def _error(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
