"""Reads one call and says so, piece by piece.

Before ``CallStart`` nothing is said, so that a ``Mismatch`` leaves no trace; afterwards the
arguments go out as they arrive.  Knows the inside of a call, not what stands around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field

from gguf_fc.dialect.reader import Mismatch, Reader, Steps
from gguf_fc.dialect.syntax import Keys, Slot, Syntax
from gguf_fc.dialect.values import JsonReader
from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent

_LONGEST_NAME = 256


@dataclass(slots=True)
class _Call:
    """A call while it is read."""

    name: str | None = None
    id: str | None = None
    arguments: str | None = None  # read before the call could be announced
    started: bool = False
    delivered: bool = False  # the arguments are out


@dataclass(slots=True)
class CallReader:
    """Reads calls of one turn.  *count* is how many were announced so far."""

    syntax: Syntax
    names: Collection[str] | None  # None: any name is a tool's
    new_id: Callable[[], str]
    reader: Reader
    say: Callable[[ParseEvent], None]
    count: int = field(default=0, init=False)
    _keys: Keys | None = field(init=False)
    _late_id: bool = field(init=False)

    def __post_init__(self) -> None:
        kinds = [part.kind for part in self.syntax.call if isinstance(part, Slot)]
        self._keys = self.syntax.keys
        self._late_id = "id" in kinds and kinds.index("id") > kinds.index("arguments")

    def read(self, opening: str) -> Generator[None, None, bool]:
        """Read one call that begins with *opening*.  False: it is none, or it broke."""
        call = _Call()
        try:
            yield from self.reader.skip_space()
            yield from self.reader.expect(opening)
            yield from self.reader.skip_space()
            if self._keys is None:
                yield from self._named(call)
            else:
                yield from self._object(call, self._keys)
        except Mismatch:
            self.count += call.started
            return False
        self.count += 1
        yield from self.reader.follows_words(self.syntax.after)
        return True

    def _object(self, call: _Call, keys: Keys) -> Steps:
        """A call that is one JSON object."""
        reader = self.reader
        yield from reader.expect("{")
        while True:
            yield from reader.skip_space()
            key = json.loads((yield from reader.value()))
            yield from reader.skip_space()
            yield from reader.expect(":")
            yield from reader.skip_space()
            yield from self._field(call, keys, key)
            yield from reader.skip_space()
            if (yield from reader.follows("}")):
                break
            yield from reader.expect(",")
        self._complete(call)

    def _field(self, call: _Call, keys: Keys, key: object) -> Steps:
        if key == keys.arguments and call.arguments is None and not call.delivered:
            yield from self._arguments(call)
            return
        value = json.loads((yield from self.reader.value()))
        if key == keys.name and call.name is None:
            call.name = self._known(value)
        elif key == keys.id and keys.id is not None and isinstance(value, str):
            call.id = value
        elif not isinstance(key, str):
            raise Mismatch

    def _named(self, call: _Call) -> Steps:
        """A call whose name stands before its arguments."""
        parts = self.syntax.call
        for part, following in zip(parts[1:], (*parts[2:], ""), strict=True):
            if isinstance(part, str):
                continue  # read with the slot before it
            if part.kind == "arguments":
                yield from self.reader.skip_space()
                yield from self._arguments(call)
                continue
            assert isinstance(following, str)
            text = yield from self._free(following.strip() or following, part)
            if part.kind == "id":
                call.id = text
            else:
                call.name = self._known(text)
        self._complete(call)

    def _free(self, ending: str, slot: Slot) -> Generator[None, None, str]:
        """The short text before *ending*."""
        buffer, taken = self.reader.buffer, ""
        while True:
            text, marker = buffer.take_until((ending,))
            taken += text
            if marker is not None:
                return taken.strip()
            possible = slot.kind == "id" or self._may_be_name(taken.strip())
            if buffer.final or len(taken) > _LONGEST_NAME or not possible:
                raise Mismatch
            yield

    def _may_be_name(self, text: str) -> bool:
        return self.names is None or any(name.startswith(text) for name in self.names)

    def _known(self, name: object) -> str:
        if not isinstance(name, str) or (self.names is not None and name not in self.names):
            raise Mismatch
        return name

    def _arguments(self, call: _Call) -> Steps:
        buffer = self.reader.buffer
        yield from self.reader.more()
        if call.name is None or self._late_id or buffer.peek != "{":
            call.arguments = _as_object((yield from self.reader.value()))
            return
        self._start(call)
        value = JsonReader()
        while value.state == "open":
            if text := buffer.take(value.feed(buffer.pending)):
                self.say(CallDelta(self.count, text))
            if value.state == "open":
                yield from self.reader.more()
        if value.state == "broken":
            raise Mismatch
        call.delivered = True

    def _start(self, call: _Call) -> None:
        if not call.started:
            assert call.name is not None
            call.started = True
            self.reader.buffer.release()
            self.say(CallStart(self.count, call.id or self.new_id(), call.name))

    def _complete(self, call: _Call) -> None:
        if call.name is None:
            raise Mismatch
        self._start(call)
        if not call.delivered:
            self.say(CallDelta(self.count, call.arguments or "{}"))
        self.say(CallEnd(self.count))


def _as_object(value: str) -> str:
    """The arguments as the text of a JSON object; they may be written as a JSON string."""
    found = json.loads(value)
    try:
        found = json.loads(found) if isinstance(found, str) else found
    except ValueError as error:
        raise Mismatch from error
    if not isinstance(found, dict):
        raise Mismatch
    return value if value.startswith("{") else json.dumps(found, ensure_ascii=False)
