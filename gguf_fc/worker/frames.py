"""Messages as bytes: a length, then ``[type, fields]`` as JSON.

Both sides of the process line use it.  Knows the dataclasses of ``job`` and nothing of sockets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import orjson

from gguf_fc.job import MESSAGE_TYPES, Message

MAX_FRAME = 64 * 1024 * 1024  # bytes; a prompt and a grammar are far smaller
LENGTH = 4  # bytes, big-endian

_BY_NAME = {cls.__name__: cls for cls in MESSAGE_TYPES}


class FrameError(Exception):
    """The other side sent what no message looks like."""


def encode(message: Message) -> bytes:
    """*message* as one frame."""
    try:
        body = orjson.dumps([type(message).__name__, message])
    except TypeError as error:  # text that is no Unicode, such as half a surrogate pair
        raise FrameError(f"this message cannot be sent: {error}") from error
    if len(body) > MAX_FRAME:
        raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
    return len(body).to_bytes(LENGTH, "big") + body


@dataclass(slots=True, eq=False)
class Decoder:
    """Feed it bytes as they come; holds back at most one unfinished frame."""

    _held: bytearray = field(default_factory=bytearray, init=False)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are now complete.  Raises FrameError."""
        self._held += data
        messages = []
        while (body := self._take()) is not None:
            messages.append(_decode(body))
        return messages

    def finish(self) -> None:
        """No more bytes come.  Raises FrameError if a frame was cut off."""
        if self._held:
            raise FrameError(f"the stream ended inside a frame, after {len(self._held)} bytes")

    def _take(self) -> bytes | None:
        if len(self._held) < LENGTH:
            return None
        end = LENGTH + int.from_bytes(self._held[:LENGTH], "big")
        if end > LENGTH + MAX_FRAME:
            raise FrameError(f"a frame of {end - LENGTH} bytes is over the limit of {MAX_FRAME}")
        if len(self._held) < end:
            return None
        body = bytes(self._held[LENGTH:end])
        del self._held[:end]
        return body


def _decode(body: bytes) -> Message:
    try:
        name, fields = orjson.loads(body)
        message: Message = msgspec.convert(fields, _BY_NAME[name])
    except (ValueError, TypeError, KeyError) as error:  # msgspec's and orjson's are ValueErrors
        raise FrameError(f"not a message: {error}") from error
    return message
