"""What the renderer and its owner say to each other: a length, then JSON.

A question is ``[key, template, variables, now]``: *key* stands for the template, whose text is
null once the process knows it.  An answer is ``[ok, text]``: the rendering, or what went wrong.
JSON is the standard library's because a conversation may hold numbers of any size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

MAX_FRAME = 64 * 1024 * 1024  # bytes
_LENGTH = 4  # bytes, big-endian


class FrameError(Exception):
    """The other side is gone, or sent what is no frame."""


def encode(value: Any) -> bytes:
    """*value* as one frame.  Raises FrameError if it is too long or cannot be JSON."""
    try:
        body = json.dumps(value, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return len(body).to_bytes(_LENGTH, "big") + body


def receive(read: Callable[[int], bytes]) -> Any:
    """The next value, from *read*, which returns at most as many bytes as it is asked for.

    Raises FrameError when there is none, and whatever *read* does.
    """
    length = int.from_bytes(_exactly(_LENGTH, read), "big")
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes is over the limit of {MAX_FRAME}")
    try:
        return json.loads(_exactly(length, read))
    except ValueError as error:
        raise FrameError(f"not JSON: {error}") from error


def _exactly(length: int, read: Callable[[int], bytes]) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = read(length - len(data))
        if not piece:
            raise FrameError("the other side is gone")
        data += piece
    return bytes(data)
