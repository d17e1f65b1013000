"""Reads the form in which a mark announces a call, anywhere in the text: ``<tool_call>``."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.dialect.read.reader import Steps
from gguf_fc.dialect.read.turn.code import CodeReader
from gguf_fc.dialect.read.turn.reasoning import ReasoningReader
from gguf_fc.dialect.read.turn.section import SectionReader
from gguf_fc.dialect.read.turn.text import TextReader
from gguf_fc.dialect.syntax import Syntax


@dataclass(slots=True)
class AnnouncedReader:
    """Reads text and calls in any order, up to the end of the turn."""

    syntax: Syntax
    text: TextReader
    reasoning: ReasoningReader
    section: SectionReader
    code: CodeReader | None

    def read(self) -> Steps:
        """Read what follows reasoning."""
        announcing = self._announcing()
        if self.reasoning.seen:
            yield from self._header()
        if self.syntax.space:
            yield from self.text.reader.skip_space()
        joint = (self.syntax.joint,) if self.syntax.joint and announcing else ()
        marks = (*self.text.marks(reasoned=self.reasoning.seen), *announcing, *joint)
        while (marker := (yield from self.text.until(marks))) is not None:
            if marker in announcing:
                yield from self._calls(marker)
            elif marker in joint:
                yield from self._anew(marker)
            else:
                yield from self.text.at(marker)

    def _announcing(self) -> tuple[str, ...]:
        """The marks that may announce a call."""
        if not self.section.offered:
            return ()
        marks = self.syntax.announcements
        return (*marks, self.code.code.open) if self.code else marks

    def _header(self) -> Steps:
        """Behind reasoning, take the header of a new part of the turn if one is there."""
        reader = self.text.reader
        reader.mark()
        yield from reader.skip_space()
        for header in self.syntax.headers:
            if (yield from reader.follows(header)):
                reader.release()
                return
        reader.rewind()

    def _anew(self, joint: str) -> Steps:
        """Behind the header of another part of the turn: layout before a call, else text."""
        reader = self.text.reader
        reader.mark()
        yield from reader.skip_space()
        called = False
        for mark in self._announcing():
            called = called or (yield from reader.follows(mark)) or reader.cut_off
        reader.rewind()
        if called:
            self.text.drop_space()
        else:
            self.text.say(joint)

    def _calls(self, marker: str) -> Steps:
        """Read calls from behind the *marker*; if there is none, the marker was text."""
        if self.code and marker == self.code.code.open:
            found = yield from self.code.read()
        else:
            found = yield from self.section.announced(marker)
        if not found and not self.section.reader.cut_off:
            self.text.say(marker)
