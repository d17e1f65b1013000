"""Errors in the names of this protocol."""

from __future__ import annotations

from gguf_fc.api import failure
from gguf_fc.api.wire import Json
from gguf_fc.api.wording import Wording

_WORDS = Wording(
    (
        ("messages", "input"),
        (r"tools\[(\d+)\]\.function", r"tools[\1]"),
        (r"response_format\.json_schema", "text.format"),
        ("response_format", "text.format"),
    )
)


def error_body(error: Exception) -> Json:
    """*error* as a body."""
    return failure.error_body(_WORDS.error(error))
