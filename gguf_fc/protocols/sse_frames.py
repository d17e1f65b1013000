"""Frames of server-sent events."""

from __future__ import annotations

import orjson

from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Json

DONE = b"data: [DONE]\n\n"
PING = b": ping\n\n"  # a comment: ignored by clients, it keeps their timers from running out


def frame(data: object) -> bytes:
    """*data* as one event."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


def named_frame(data: Json) -> bytes:
    """*data* as one event, named for its ``type``."""
    name: str = data["type"]
    return b"event: " + name.encode() + b"\n" + frame(data)


def error_frame(error: Exception) -> bytes:
    """*error* as an event."""
    return frame(error_body(error))
