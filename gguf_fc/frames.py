"""Frames: values between two of our processes, each as a length and then JSON.

One framing for both lines: to the worker that runs the model (``MESSAGES``: the dataclasses of
``job``) and to the process that renders templates (``PLAIN_JSON``).  Knows nothing of sockets.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
import orjson

from gguf_fc.job import MESSAGE_TYPES, Message

MAX_FRAME = 64 * 1024 * 1024  # bytes; a prompt and a grammar are far smaller
LENGTH = 4  # bytes, big-endian

T = TypeVar("T")
_BY_NAME = {cls.__name__: cls for cls in MESSAGE_TYPES}


class FrameError(Exception):
    """A value that no frame can carry, or bytes that are no frame of this line."""


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """The frames of one line; *dump* and *load* are about what is inside, and raise FrameError."""

    dump: Callable[[T], bytes]
    load: Callable[[bytes], T]

    def encode(self, value: T) -> bytes:
        """*value* as one frame.  Raises FrameError if it cannot be sent, or is too long."""
        body = self.dump(value)
        if len(body) > MAX_FRAME:
            raise FrameError(f"a frame of {len(body)} bytes is over the limit of {MAX_FRAME}")
        return len(body).to_bytes(LENGTH, "big") + body

    def decoder(self) -> Decoder[T]:
        """A decoder for one direction of a line."""
        return Decoder(self.load)

    def line(self, write: Callable[[bytes], None], deliver: Callable[[T], None]) -> Line[T]:
        """One end of a line whose bytes go out to *write* and whose values come in to *deliver*."""
        return Line(self, write, deliver)


@dataclass(slots=True, eq=False)
class Decoder(Generic[T]):
    """Feed it bytes as they come; holds back at most one unfinished frame."""

    _load: Callable[[bytes], T]
    _held: bytearray = field(default_factory=bytearray, init=False)

    def feed(self, data: bytes) -> list[T]:
        """The values that are now complete.  Raises FrameError."""
        self._held += data
        values = []
        while (body := self._take()) is not None:
            values.append(self._load(body))
        return values

    def finish(self) -> None:
        """Note the end of the bytes.  Raises FrameError if a frame was cut off."""
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


@dataclass(slots=True, eq=False)
class Line(Generic[T]):
    """One end of a line, between a transport of bytes and whoever waits for its values."""

    codec: Codec[T]
    write: Callable[[bytes], None]
    deliver: Callable[[T], None]
    heard: float = field(default_factory=time.monotonic, init=False)  # when bytes came last
    _decoder: Decoder[T] = field(init=False)

    def __post_init__(self) -> None:
        self._decoder = self.codec.decoder()

    def send(self, value: T) -> None:
        """Send *value*.  Raises FrameError."""
        self.write(self.codec.encode(value))

    def receive(self, data: bytes) -> None:
        """Deliver the values that *data* completes.  Raises FrameError."""
        self.heard = time.monotonic()
        for value in self._decoder.feed(data):
            self.deliver(value)


def _dump_message(message: Message) -> bytes:
    """``[type, fields]``."""
    try:
        return orjson.dumps([type(message).__name__, message])
    except TypeError as error:  # text that is no Unicode, such as half a surrogate pair
        raise FrameError(f"this message cannot be sent: {error}") from error


def _load_message(body: bytes) -> Message:
    try:
        name, fields = orjson.loads(body)
        message: Message = msgspec.convert(fields, _BY_NAME[name])
    except (ValueError, TypeError, KeyError) as error:  # msgspec's and orjson's are ValueErrors
        raise FrameError(f"not a message: {error}") from error
    return message


def _dump_json(value: Any) -> bytes:
    """JSON by the standard library: a conversation may hold numbers of any size."""
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error


def _load_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise FrameError(f"not JSON: {error}") from error


MESSAGES: Codec[Message] = Codec(_dump_message, _load_message)
PLAIN_JSON: Codec[Any] = Codec(_dump_json, _load_json)
