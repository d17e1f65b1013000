"""Reads a turn as it is written and says what it means: the inverse of ``write``.

Theory of operation.  The parser is a recursive descent written as a generator: it runs until it
needs text that has not arrived, yields, and goes on at the same place when ``feed`` brings more.

1. A place in the text is kept when something that may be a call begins.  Until the call's name is
   known the parser can go back there; what was read then goes out as text.
2. Once ``CallStart`` is out nothing is taken back: a call that breaks or is cut off stays without
   its ``CallEnd``, and what follows the break is text.
3. Whitespace around calls and reasoning is layout, everywhere else it is content; white space at
   the end of text is held until it is known which.
4. JSON may be spaced and its keys ordered otherwise than the template does it.

Each character is looked at a bounded number of times.  Held back are: part of a marker, white
space, and a call up to its name (at most ``_MOST_HELD`` characters).
Knows neither templates nor JSON Schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, field

from gguf_fc.dialect.buffer import Buffer
from gguf_fc.dialect.syntax import Keys, Slot, Syntax
from gguf_fc.dialect.values import JsonReader
from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent, ReasoningDelta, TextDelta

_MOST_HELD = 65536
_SLICE = 4096  # long pieces are read in slices, so that looking ahead copies little
_SPACE = " \t\r\n"
_WORD = re.compile(r"[\[\]{}]|[^\s\[\]{}]+")

Steps = Generator[None]


class _NotACall(Exception):
    """What is being read is not a call after all."""


@dataclass(slots=True)
class _Call:
    """A call while it is read."""

    name: str | None = None
    id: str | None = None
    arguments: str | None = None  # read before the call could be announced
    started: bool = False
    delivered: bool = False  # the arguments are out


@dataclass(slots=True)
class Parser:
    """One turn.  ``feed`` pieces, then ``finish``; both return the events they complete.

    *names* are the tools that may be called; None: any name is a call.  Empty: nothing is.
    """

    syntax: Syntax
    names: Collection[str] | None
    new_id: Callable[[], str]
    prefill: str = ""
    _buffer: Buffer = field(default_factory=Buffer, init=False)
    _events: list[ParseEvent] = field(default_factory=list, init=False)
    _steps: Steps = field(init=False)
    _space: str = field(default="", init=False)  # held until it is known whether it is layout
    _written: bool = field(default=False, init=False)  # there was text since the last layout
    _calls: int = field(default=0, init=False)
    _keys: Keys | None = field(init=False)
    _late_id: bool = field(init=False)

    def __post_init__(self) -> None:
        kinds = [part.kind for part in self.syntax.call if isinstance(part, Slot)]
        self._keys = self.syntax.keys
        self._late_id = "id" in kinds and kinds.index("id") > kinds.index("arguments")
        self._steps = self._turn()
        self._buffer.push(self.prefill)
        self._run()

    def feed(self, piece: str) -> list[ParseEvent]:
        """More of the model's text."""
        events = []
        for start in range(0, len(piece), _SLICE):
            self._buffer.push(piece[start : start + _SLICE])
            events += self._run()
        return events

    def finish(self) -> list[ParseEvent]:
        """The end of the model's text."""
        self._buffer.close()
        return self._run()

    def _run(self) -> list[ParseEvent]:
        next(self._steps, None)
        events, self._events = self._events, []
        return events

    # The turn.

    def _turn(self) -> Steps:
        if self.syntax.reasoning:
            yield from self._reasoning(self.syntax.reasoning.open.strip())
        if self.names is None or self.names:
            if self.syntax.marker:
                yield from self._text_and_marked_calls()
                return
            yield from self._bare_calls()
        yield from self._text(self._content_marks())

    def _reasoning(self, opening: str) -> Steps:
        """An optional block at the very beginning."""
        assert self.syntax.reasoning
        self._buffer.mark()
        yield from self._skip_space()
        if not (yield from self._follows(opening)):
            self._buffer.rewind()
            return
        self._buffer.release()
        closing = self.syntax.reasoning.close.strip()
        yield from self._skip_space()
        held = ""
        while True:
            text, marker = self._buffer.take_until((closing,))
            text = held + text
            kept = text.rstrip(_SPACE)
            held = text[len(kept) :]
            if kept:
                self._events.append(ReasoningDelta(kept))
            if marker:
                break
            if self._ended:
                return
            yield
        yield from self._skip_space()

    def _text_and_marked_calls(self) -> Steps:
        marks = (self.syntax.marker, *self._content_marks())
        marks += tuple({self.syntax.call_marker} - {"", *marks})
        while True:
            marker = yield from self._until(marks)
            if marker is None:
                return
            if marker in self._content_marks():
                self._drop_space()
            else:
                yield from self._calls_after(marker)

    def _calls_after(self, marker: str) -> Steps:
        """Calls, from behind the *marker*; if there is none, the marker was text."""
        self._buffer.mark()
        in_section = self.syntax.section.open.strip().startswith(marker)
        if in_section:
            yield from self._follows_words(self._between_marker_and_call())
        first = self._calls
        while (yield from self._call(announced=not in_section)):
            self._buffer.mark()
            in_section = yield from self._separated()
            if not in_section:
                break
        if first == self._calls:
            self._say(marker)
        self._buffer.rewind()
        if first != self._calls and self.syntax.section.close:
            yield from self._follows_words(self.syntax.section.close)

    def _separated(self) -> Generator[None, None, bool]:
        """Whether another call follows without the section being announced again."""
        if not self.syntax.section.open:
            return False
        return (yield from self._follows_words(self.syntax.separator))

    def _between_marker_and_call(self) -> str:
        return self.syntax.section.open.strip()[len(self.syntax.marker) :]

    def _bare_calls(self) -> Steps:
        """Calls at the very beginning, known by their form alone."""
        self._buffer.mark()
        yield from self._skip_space()
        begun = yield from self._follows_words(self.syntax.section.open)
        while begun and (yield from self._call(announced=True)):
            self._buffer.mark()
            if not (yield from self._follows_words(self.syntax.separator)):
                break
        self._buffer.rewind()
        if self._calls:
            yield from self._follows_words(self.syntax.section.close)

    def _content_marks(self) -> tuple[str, ...]:
        opening = self.syntax.content.open
        return (opening,) if opening else ()

    # Text.

    def _text(self, marks: tuple[str, ...]) -> Steps:
        while (yield from self._until(marks)) is not None:
            self._drop_space()

    def _until(self, marks: tuple[str, ...]) -> Generator[None, None, str | None]:
        """Text goes out until one of *marks* or the end is reached."""
        while True:
            text, marker = self._buffer.take_until(marks)
            self._say(text)
            if marker is not None:
                return marker
            if self._ended:
                if self._written:
                    self._say("", flush=True)
                return None
            yield

    def _say(self, text: str, *, flush: bool = False) -> None:
        text = self._space + text
        kept = text if flush else text.rstrip(_SPACE)
        if not self._written:
            # After a call or reasoning white space is layout, at the beginning it is content.
            kept = kept.lstrip(_SPACE) if self._calls else kept
        self._space = text[len(text.rstrip(_SPACE)) :] if not flush else ""
        if kept:
            self._written = True
            self._events.append(TextDelta(kept))

    def _drop_space(self) -> None:
        self._space, self._written = "", False

    # Calls.

    def _call(self, *, announced: bool) -> Generator[None, None, bool]:
        """Read one call.  False: it is none, or it broke."""
        call = _Call()
        try:
            if not announced and self.syntax.call_marker:
                yield from self._expect(self.syntax.call_marker)
            yield from self._skip_space()
            if self._keys is None:
                yield from self._named(call)
            else:
                yield from self._object(call, self._keys)
        except _NotACall:
            if call.started:
                self._calls += 1
                self._buffer.mark()
            return False
        yield from self._follows_words(self.syntax.after)
        self._calls += 1
        self._buffer.release()
        return True

    def _object(self, call: _Call, keys: Keys) -> Steps:
        """A call that is one JSON object."""
        yield from self._expect("{")
        while True:
            yield from self._skip_space()
            key = json.loads((yield from self._value()))
            if not isinstance(key, str):
                raise _NotACall
            yield from self._skip_space()
            yield from self._expect(":")
            yield from self._skip_space()
            yield from self._field(call, keys, key)
            yield from self._skip_space()
            if (yield from self._follows("}")):
                break
            yield from self._expect(",")
        self._complete(call)

    def _field(self, call: _Call, keys: Keys, key: str) -> Steps:
        if key == keys.name and call.name is None:
            call.name = json.loads((yield from self._value()))
            self._check_name(call.name)
        elif key == keys.arguments and call.arguments is None and not call.delivered:
            yield from self._arguments(call)
        elif key == keys.id and keys.id is not None:
            given = json.loads((yield from self._value()))
            call.id = given if isinstance(given, str) else None
        else:
            yield from self._value()

    def _arguments(self, call: _Call) -> Steps:
        yield from self._more()
        if call.name is None or self._late_id or self._buffer.peek != "{":
            call.arguments = _as_object((yield from self._value()))
            return
        self._start(call)
        reader = JsonReader()
        while reader.state == "open":
            text = self._buffer.take(reader.feed(self._buffer.pending))
            if text:
                self._events.append(CallDelta(self._calls, text))
            if reader.state == "open":
                yield from self._more()
        if reader.state == "broken":
            raise _NotACall
        call.delivered = True

    def _named(self, call: _Call) -> Steps:
        """A call whose name stands before its arguments."""
        parts = self.syntax.call
        for part, following in zip(parts[1:], (*parts[2:], ""), strict=True):
            if isinstance(part, str):
                continue  # read with the slot before it
            if part.kind == "arguments":
                yield from self._skip_space()
                yield from self._arguments(call)
                continue
            assert isinstance(following, str)
            text = yield from self._free(following.strip() or following)
            if part.kind == "id":
                call.id = text
            else:
                self._check_name(text)
                call.name = text
        self._complete(call)

    def _free(self, ending: str) -> Generator[None, None, str]:
        """The short text before *ending*."""
        taken = ""
        while True:
            text, marker = self._buffer.take_until((ending,))
            taken += text
            if marker is not None:
                return taken.strip()
            if self._buffer.final or not self._may_be_name(taken.strip()):
                raise _NotACall
            yield

    def _may_be_name(self, text: str) -> bool:
        if self.names is None:
            return len(text) <= _MOST_HELD
        return any(name.startswith(text) for name in self.names)

    def _check_name(self, name: object) -> None:
        if not isinstance(name, str) or (self.names is not None and name not in self.names):
            raise _NotACall

    def _start(self, call: _Call) -> None:
        if not call.started:
            assert call.name is not None
            call.started = True
            self._drop_space()
            self._buffer.release()
            self._events.append(CallStart(self._calls, call.id or self.new_id(), call.name))

    def _complete(self, call: _Call) -> None:
        if call.name is None:
            raise _NotACall
        self._start(call)
        if not call.delivered:
            self._events.append(CallDelta(self._calls, call.arguments or "{}"))
        self._events.append(CallEnd(self._calls))

    # Reading.

    @property
    def _ended(self) -> bool:
        return self._buffer.final and not self._buffer.pending

    def _more(self) -> Steps:
        """Wait until at least one character is there."""
        while not self._buffer.peek:
            if self._buffer.final or self._buffer.since_mark() > _MOST_HELD:
                raise _NotACall
            yield

    def _skip_space(self) -> Steps:
        while True:
            pending = self._buffer.pending
            self._buffer.take(len(pending) - len(pending.lstrip(_SPACE)))
            if self._buffer.peek or self._buffer.final:
                return
            yield

    def _at(self, text: str) -> Generator[None, None, bool]:
        """Whether *text* is next; it is not taken."""
        while True:
            pending = self._buffer.pending
            if pending.startswith(text):
                return True
            if not text.startswith(pending) or self._buffer.final:
                return False
            yield

    def _follows(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next."""
        found = yield from self._at(text)
        if found:
            self._buffer.take(len(text))
        return found

    def _follows_words(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next, whatever the white space around its words."""
        words = _WORD.findall(text)
        while (length := _measure(words, self._buffer.pending)) is None:
            if self._buffer.final:
                return False
            yield
        self._buffer.take(length)
        return length > 0 or not words

    def _expect(self, text: str) -> Steps:
        if not (yield from self._follows(text)):
            raise _NotACall

    def _value(self) -> Generator[None, None, str]:
        """Take one JSON value."""
        reader, taken = JsonReader(), []
        while reader.state == "open":
            yield from self._more()
            taken.append(self._buffer.take(reader.feed(self._buffer.pending)))
        if reader.state == "broken":
            raise _NotACall
        return "".join(taken)


def _measure(words: list[str], text: str) -> int | None:
    """How much of *text* the *words* take up: 0 if they differ, None if more text is needed."""
    at = 0
    for word in words:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if not text.startswith(word, at):
            return None if word.startswith(text[at:]) else 0
        at += len(word)
    return at


def _as_object(value: str) -> str:
    """The arguments as the text of a JSON object; they may be written as a JSON string."""
    found = json.loads(value)
    text = found if isinstance(found, str) else value
    try:
        if isinstance(json.loads(text), dict):
            return text
    except ValueError:
        pass
    raise _NotACall
