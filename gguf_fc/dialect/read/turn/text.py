"""Reads text up to the next mark, and tells content from layout: marks, and white space at edges.

White space around calls and reasoning is the template's layout; inside of text it is content.  A
mark may be quoted in text.  Which of the two it is shows only in what follows, so white space at
the end of text is withheld until more text comes (it was content) or a call or mark does (it was
layout).
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from gguf_fc.dialect.read.reader import Reader, Steps, without_begun
from gguf_fc.dialect.syntax import Syntax
from gguf_fc.events import CallStart, ParseEvent, ReasoningDelta, TextDelta
from gguf_fc.grammar.values.spacing import SPACE


@dataclass(slots=True)
class TextReader:
    """Reads the text of one turn, whatever its form, and collects the events of all of it."""

    syntax: Syntax
    reader: Reader
    _events: list[ParseEvent] = field(default_factory=list, init=False)
    _space: str = field(default="", init=False)  # withheld: content or layout
    _written: bool = field(default=False, init=False)  # text was emitted since the last layout
    _called: bool = field(default=False, init=False)  # a call was emitted

    # Events.

    def events(self) -> list[ParseEvent]:
        """Return the events since the last time."""
        events, self._events = self._events, []
        return events

    def call(self, event: ParseEvent) -> None:
        """Emit a piece of a call; white space before a call is layout."""
        if isinstance(event, CallStart):
            self._called = True
            self.drop_space()
        self._events.append(event)

    def say(self, text: str) -> None:
        """Emit content, except for white space at its end."""
        kept = self._hold_space(text)
        if not self._written and self._called:
            kept = kept.lstrip(SPACE)  # between a call and the text behind it: layout
        if kept:
            self._written = True
            self._events.append(TextDelta(kept))

    def thought(self, text: str) -> None:
        """Emit reasoning, except for white space at its end."""
        if thought := self._hold_space(text):
            self._events.append(ReasoningDelta(thought))

    def drop_space(self) -> None:
        """Begin anew behind layout: the white space withheld was a part of it."""
        self._space, self._written = "", False

    def end_thought(self) -> None:
        """Drop the white space before the mark that closes reasoning."""
        self._space = ""

    def _end_text(self) -> None:
        """Emit the white space at the end of the turn: nothing followed that makes it layout."""
        if self._written and self._space:
            self._events.append(TextDelta(self._space))

    def _hold_space(self, text: str) -> str:
        """Return what was withheld and *text*, but withhold the white space at the end."""
        text = self._space + text
        kept = text.rstrip(SPACE)
        self._space = text[len(kept) :]
        return kept

    # Marks.

    @property
    def ends(self) -> tuple[str, ...]:
        """The marks that end text, a part of the turn, or the turn."""
        syntax = self.syntax
        return _texts(syntax.content.close.strip(), syntax.end, syntax.part_end)

    def until(self, marks: tuple[str, ...]) -> Generator[None, None, str | None]:
        """Emit text up to one of *marks*, which is taken and returned; None at the end.

        The beginning of a mark is withheld, because what was sent cannot be taken back.  Where the
        turn is cut off in a mark, or in what may be a call, the beginning of that is dropped.
        """
        while True:
            if self.reader.cut_off:
                return None
            text, marker = self.reader.take_until(marks)
            if marker is None and self.reader.ended and not self.reader.whole:
                text = without_begun(text, marks)
            self.say(text)
            if marker is not None:
                return None if self._cut_in_longer(marker, marks) else marker
            if self.reader.ended:
                self._end_text()
                return None
            yield

    def _cut_in_longer(self, marker: str, marks: tuple[str, ...]) -> bool:
        """Tell whether the turn was cut off in another mark that begins with *marker*."""
        reader = self.reader
        if reader.whole or not (reader.final and reader.peek):
            return False
        return any(mark.startswith(marker + reader.pending) for mark in marks)

    def closed(self, marker: str) -> Steps:
        """Behind a mark that ends text; where more text follows, the mark was text itself."""
        syntax, reader = self.syntax, self.reader
        openings = syntax.content_openings if syntax.part_end else ()
        reader.mark()
        yield from self.reader.skip_space()
        ended = self.reader.ended
        for text in _texts(syntax.end, syntax.joint, *syntax.announcements, *openings):
            ended = ended or (yield from self.reader.follows(text)) or self.reader.cut_off
        if reader.final and not reader.whole and not ended:
            ended = any(header.startswith(reader.pending) for header in syntax.headers)
        reader.rewind()
        if ended:
            self.drop_space()
        else:
            self.say(marker)

    def marks(self, *, reasoned: bool) -> tuple[str, ...]:
        """The marks that may stand in text; those of reasoning only where a block was read.

        A model that never reasons may write about the marks of reasoning.
        """
        syntax = self.syntax
        openings = (opening.strip() for opening in syntax.content_openings)
        content = (*openings, syntax.content.close.strip(), syntax.end)
        return _texts(*content, *(self._reasoning if reasoned else ()))

    def at(self, marker: str) -> Steps:
        """Behind one of the ``marks``."""
        opened, thought = self._reasoning
        if marker in self.ends:
            yield from self.closed(marker)
        elif marker == opened:
            yield from self._reasoning_opened(marker, thought)
        elif marker == thought:
            yield from self.closed(marker)
        else:
            self.drop_space()
            if self.syntax.content.open[-1:] in SPACE:
                yield from self.reader.skip_space()

    @property
    def _reasoning(self) -> tuple[str, str]:
        marks = self.syntax.reasoning
        return (marks.open.strip(), marks.close.strip()) if marks else ("", "")

    def _reasoning_opened(self, marker: str, closing: str) -> Steps:
        """Behind a mark that opens reasoning: an empty block is layout, any other is text here."""
        reader = self.reader
        reader.mark()
        yield from self.reader.skip_space()
        if (yield from self.reader.follows(closing)):
            reader.release()
        else:
            reader.rewind()
            self.say(marker)


def _texts(*marks: str) -> tuple[str, ...]:
    """*marks* without empty and repeated ones."""
    return tuple(dict.fromkeys(filter(None, marks)))
