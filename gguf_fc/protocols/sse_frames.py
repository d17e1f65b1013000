"""Frames of server-sent events."""

from __future__ import annotations

import orjson

from gguf_fc.protocols.error_body import error_body

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"  # a comment: ignored by clients, it keeps their timers from running out


def frame(data: object) -> bytes:
    """*data* as one event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def error_frame(error: Exception) -> bytes:
    """*error* as an event."""
    return frame(error_body(error))
