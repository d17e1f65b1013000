"""Reads a turn as it is written and says what it means: the inverse of ``write``.

Theory of operation.  The parser is a recursive descent written as a generator: it runs until it
needs text that has not arrived, yields, and goes on at the same place when ``feed`` brings more.

1. A place in the text is kept when something that may be a call begins.  Until the call's name is
   known the parser can go back there; what was read then goes out as text.
2. Once ``CallStart`` is out nothing is taken back: a call that breaks or is cut off stays without
   its ``CallEnd``, and what follows the break is text.
3. White space around calls and reasoning is layout, everywhere else it is content; at the end of
   text it is held until it is known which.
4. JSON may be spaced and its keys ordered otherwise than the template does it.

Each character is looked at a bounded number of times.  Held back are: part of a marker, white
space, and a call up to its name (bounded in ``reader``).  Knows neither templates nor JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.read.calls import CallReader
from gguf_fc.dialect.read.code import CodeReader
from gguf_fc.dialect.read.reader import SPACE, Reader, Steps
from gguf_fc.dialect.syntax import Marked, Row, Syntax
from gguf_fc.events import CallStart, ParseEvent, ReasoningDelta, TextDelta

_MARK = re.compile(r"[<\[|]")
_SLICE = 4096  # long pieces are read in slices, so that looking ahead copies little


@dataclass(slots=True)
class Parser:
    """One turn.  ``feed`` pieces, then ``finish``; both return the events they complete.

    *schemas* are the parameters of the tools that may be called, by name; None: any name is a
    tool's.  Empty: nothing is a call.  With *inline*, reasoning is text, between its marks.
    """

    syntax: Syntax
    schemas: Mapping[str, Any] | None
    new_id: Callable[[], str]
    prefill: str = ""
    inline: bool = False
    _reader: Reader = field(default_factory=Reader, init=False)
    _calls: CallReader = field(init=False)
    _events: list[ParseEvent] = field(default_factory=list, init=False)
    _steps: Steps = field(init=False)
    _space: str = field(default="", init=False)  # held until it is known whether it is layout
    _written: bool = field(default=False, init=False)  # there was text since the last layout
    _reasoned: bool = field(default=False, init=False)  # there was a block of reasoning
    _rows: list[Row] = field(init=False)  # the one with the longest mark first
    _code: CodeReader | None = field(init=False)  # None: no tool is called as code
    _named: tuple[str, ...] = field(init=False)  # texts with a tool's name that begin a call

    def __post_init__(self) -> None:
        self._calls = CallReader(self.syntax, self.schemas, self.new_id, self._reader, self._say)
        code = CodeReader(self.syntax.code, self._calls) if self.syntax.code else None
        self._code = code if code and code.offered else None
        self._named = tuple(self.syntax.beginnings(self.schemas or ()).values())
        rows = [] if self.schemas is not None and not self.schemas else self.syntax.rows
        self._rows = sorted(rows, key=lambda row: -len(row.marker))
        self._steps = self._turn()
        self._reader.buffer.push(self.prefill)

    @property
    def shows_reasoning(self) -> bool:
        """Whether the reasoning is text; what the prompt itself has closed says nothing."""
        closed = self.syntax.reasoning and self.syntax.reasoning.close.strip() in self.prefill
        return self.inline and not closed

    def feed(self, piece: str) -> list[ParseEvent]:
        """More of the model's text."""
        events: list[ParseEvent] = []
        for start in range(0, len(piece), _SLICE):
            self._reader.buffer.push(piece[start : start + _SLICE])
            events += self._run()
        return events

    def finish(self, *, whole: bool = True) -> list[ParseEvent]:
        """The end of the model's text; not *whole* if something else than the model ended it."""
        self._reader.whole = whole
        self._reader.buffer.close()
        return self._run()

    def _run(self) -> list[ParseEvent]:
        next(self._steps, None)
        events, self._events = self._events, []
        return events

    def _say(self, event: ParseEvent) -> None:
        if isinstance(event, CallStart):
            self._drop_space()
        self._events.append(event)

    def _turn(self) -> Steps:
        if self.syntax.reasoning:
            yield from self._reasoning(self.syntax.reasoning)
        if self._rows and not self.syntax.marker:
            yield from self._bare_calls()
            if self._code and not self._calls.count:
                yield from self._bare_code(self._code)
        ended = False
        while not ended:
            yield from self._begin()
            ended = yield from self._text()

    def _begin(self) -> Steps:
        """At a place where text or a call may begin: what opens text is layout."""
        marked = self.syntax.joint and self.syntax.content_openings
        if not marked:
            return
        buffer, reasoning = self._reader.buffer, self.syntax.reasoning
        buffer.mark()
        yield from self._reader.skip_space()
        # Where a turn begins anew, its header may be there, or a part of it.
        for header in self.syntax.headers:
            if (yield from self._reader.follows(header)):
                buffer.release()
                buffer.mark()
                yield from self._reader.skip_space()
                break
        for opening in sorted(self.syntax.content_openings, key=len, reverse=True):
            if (yield from self._reader.follows(opening.strip())):
                buffer.release()
                return
        buffer.rewind()
        if reasoning and (yield from self._reasoning(reasoning)):
            yield from self._begin()
        elif self._rows:
            yield from self._calls_after("")

    # Reasoning.

    def _reasoning(self, marks: Marked) -> Generator[None, None, bool]:
        """A block of reasoning, if one begins here."""
        buffer = self._reader.buffer
        buffer.mark()
        yield from self._reader.skip_space()
        if (yield from self._reader.follows(marks.close.strip())):
            # The prompt, or the model, opened the block and there is nothing in it.
            buffer.release()
            yield from self._shown(marks.close.strip())
            return True
        if not (yield from self._reader.follows(marks.open.strip())):
            buffer.rewind()
            return False
        buffer.release()
        if marks.open.strip() in self.prefill and not _MARK.search(marks.open):
            # Words with which the prompt has the model begin.
            self._think(marks.open.strip())
        else:
            yield from self._shown(marks.open.strip())
            while (yield from self._reader.follows(marks.open.strip())):
                # The prompt had opened the block, and the model does so again.
                yield from self._shown(marks.open.strip())
        closed = yield from self._thoughts(self.syntax.thought_end)
        self._reasoned = True
        yield from self._shown(self.syntax.thought_end if closed else "")
        return True

    def _shown(self, mark: str) -> Steps:
        """A *mark* was taken.  It and the white space behind it are layout, unless all is text."""
        if self.shows_reasoning:
            self._say_text(mark)
        else:
            yield from self._reader.skip_space()

    def _thoughts(self, closing: str) -> Generator[None, None, bool]:
        """What is thought, up to the *closing* mark; whether that was reached.

        Where that never comes, the thoughts end at what announces a call.  What may be that is held
        back until the block is closed, because a call inside of it is none.
        """
        buffer = self._reader.buffer
        while True:
            text, marker = buffer.take_before((closing, *self.syntax.announcements))
            self._think(text)
            if marker == closing:
                buffer.take(len(closing))
            elif marker is not None:
                buffer.mark()
                inside, closed = yield from self._up_to(closing)
                if closed:
                    buffer.release()
                    self._think(inside)
                else:
                    buffer.rewind()
                    marker = None
            elif not self._reader.ended:
                yield
                continue
            self._space = self._space if self.shows_reasoning else ""
            return marker is not None

    def _up_to(self, closing: str) -> Generator[None, None, tuple[str, bool]]:
        """The text before *closing*, which is taken too, or before the end."""
        pieces: list[str] = []
        while True:
            text, marker = self._reader.buffer.take_until((closing,))
            pieces.append(text)
            if marker is not None or self._reader.ended:
                return "".join(pieces), marker is not None
            yield

    def _think(self, text: str) -> None:
        if self.shows_reasoning:
            self._say_text(text)
            return
        text = self._space + text
        thought = text.rstrip(SPACE)
        self._space = text[len(thought) :]
        if thought:
            self._events.append(ReasoningDelta(thought))

    # Text.

    def _text(self) -> Generator[None, None, bool]:
        """Text, up to its end (True) or to where something else may begin (False)."""
        joint, openings = self.syntax.joint, self.syntax.content_openings
        framed = bool(joint and openings)
        closing, end = self.syntax.content.close.strip(), self.syntax.end
        reasoning = self.syntax.reasoning or Marked()
        opened, thought = reasoning.open.strip(), reasoning.close.strip()
        announcing = self._announcing if self._rows and not framed else ()
        reasoned = (opened, thought) if self._reasoned else ()
        named = () if framed else self._named
        free = (*openings, closing, end, *reasoned, *announcing, *named)
        ends = (closing, end, self.syntax.part_end)
        marks = (joint, *ends) if framed else free
        marker = yield from self._until(tuple(dict.fromkeys(filter(None, marks))))
        if marker is None:
            return True
        if self._code and marker == self._code.code.open:
            yield from self._code_after(self._code)
        elif marker in announcing:
            yield from self._calls_after(marker)
        elif marker in named:
            yield from self._calls_at(marker)
        elif marker in ends:
            yield from self._closed(marker)
        elif marker in reasoned:
            yield from (self._opened if marker == opened else self._closed)(marker)
        else:
            self._drop_space()
        return False

    def _closed(self, marker: str) -> Steps:
        """Behind a mark that closes text or the turn; where more text follows, it was text."""
        buffer = self._reader.buffer
        buffer.mark()
        yield from self._reader.skip_space()
        ended = self._reader.ended
        syntax = self.syntax
        openings = syntax.content_openings if syntax.part_end else ()
        following = (syntax.end, syntax.joint, *syntax.announcements, *openings)
        for text in filter(None, following):
            ended = ended or (yield from self._reader.follows(text))
        buffer.rewind()
        if ended:
            self._drop_space()
        else:
            self._say_text(marker)

    def _opened(self, marker: str) -> Steps:
        """Behind a mark that opens reasoning: an empty block says nothing, others are text here."""
        buffer = self._reader.buffer
        buffer.mark()
        yield from self._reader.skip_space()
        closing = self.syntax.reasoning.close.strip() if self.syntax.reasoning else ""
        if (yield from self._reader.follows(closing)):
            buffer.release()
        else:
            buffer.rewind()
            self._say_text(marker)

    def _until(self, marks: tuple[str, ...]) -> Generator[None, None, str | None]:
        """Text goes out until one of *marks* or the end is reached."""
        while True:
            text, marker = self._reader.buffer.take_until(marks)
            self._say_text(text)
            if marker is not None:
                return marker
            if self._reader.ended:
                if self._written and self._space:
                    self._events.append(TextDelta(self._space))
                return None
            yield

    def _say_text(self, text: str) -> None:
        text = self._space + text
        kept = text.rstrip(SPACE)
        self._space = text[len(kept) :]
        if not self._written and self._calls.count:
            kept = kept.lstrip(SPACE)
        if kept:
            self._written = True
            self._events.append(TextDelta(kept))

    def _drop_space(self) -> None:
        self._space, self._written = "", False

    # Calls.

    @property
    def _announcing(self) -> tuple[str, ...]:
        """The marks that may announce a call anywhere in text."""
        marks = self.syntax.announcements
        return (*marks, self._code.code.open) if self._code and marks else marks

    def _bare_code(self, code: CodeReader) -> Steps:
        """A call as code at the very beginning."""
        self._reader.buffer.mark()
        yield from self._reader.skip_space()
        if (yield from self._reader.follows(code.code.open)):
            self._reader.buffer.release()
            yield from self._code_after(code)
        else:
            self._reader.buffer.rewind()

    def _code_after(self, code: CodeReader) -> Steps:
        """A call as code, from behind its mark; if there is none, the mark was text."""
        buffer, before = self._reader.buffer, self._calls.count
        buffer.mark()
        yield from self._reader.skip_space()
        yield from self._call("")  # some models put the mark before any call
        if self._calls.count == before:
            yield from code.read()
        if self._calls.count == before:
            buffer.rewind()
            self._say_text(code.code.open)

    def _calls_after(self, marker: str) -> Steps:
        """Calls, from behind the *marker*; if there is none, the marker was text."""
        buffer, before = self._reader.buffer, self._calls.count
        buffer.mark()
        section = self.syntax.section.open.strip()
        inside, taken = bool(section), marker
        if section.startswith(marker):
            yield from self._reader.follows_words(section[len(marker) :])
            taken = ""
        elif marker.startswith(section):
            taken = marker.removeprefix(section).strip()
        else:
            inside = False
        while (yield from self._call(taken)):
            buffer.mark()
            if not inside or not (yield from self._reader.follows_words(self.syntax.separator)):
                break
            taken = ""
        buffer.rewind()
        if self._calls.count == before:
            self._say_text(marker)
        elif section:
            yield from self._reader.follows_words(self.syntax.section.close)
        if self._calls.count > before:
            self._calls.drop_cut_mark()

    def _call(self, taken: str) -> Generator[None, None, bool]:
        """One call, in any of the ways to write one of which *taken* is the beginning."""
        for row in self._rows:
            if not row.marker.startswith(taken):
                continue
            self._reader.buffer.mark()
            before = self._calls.count
            if (yield from self._calls.read(row, len(taken))):
                return True
            if self._calls.count > before:
                return False
            self._reader.buffer.rewind()
        return False

    def _calls_at(self, beginning: str) -> Steps:
        """Calls in text, which are known by their form and a name; if they are none, it is text."""
        before = self._calls.count
        self._reader.buffer.give_back(len(beginning))
        yield from self._bare_calls()
        if self._calls.count == before:
            self._say_text(self._reader.buffer.take(len(beginning)))

    def _bare_calls(self) -> Steps:
        """Calls that are known by their form alone."""
        buffer = self._reader.buffer
        buffer.mark()
        if not (yield from self._reader.follows_words(self.syntax.section.open)):
            buffer.rewind()
            return
        while (yield from self._call("")):
            buffer.mark()
            if not (yield from self._reader.follows_words(self.syntax.separator)):
                break
        buffer.rewind()
        if self._calls.count:
            yield from self._reader.follows_words(self.syntax.section.close)
            self._calls.drop_cut_mark()
