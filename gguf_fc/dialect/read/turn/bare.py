"""Reads the form in which no mark announces a call: it is known by its form alone.

A turn that is nothing but a call begins with it.  Behind text a call is looked for only by what its
form begins with together with the name of a tool; anything else in brackets is text.
"""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.dialect.read.reader import Reader, Steps
from gguf_fc.dialect.read.turn.code import CodeReader
from gguf_fc.dialect.read.turn.reasoning import ReasoningReader
from gguf_fc.dialect.read.turn.section import SectionReader
from gguf_fc.dialect.read.turn.text import TextReader
from gguf_fc.dialect.syntax import Syntax


@dataclass(slots=True)
class BareReader:
    """Reads calls at the beginning, then text with calls in it, up to the end of the turn."""

    syntax: Syntax
    reader: Reader
    text: TextReader
    reasoning: ReasoningReader
    section: SectionReader
    code: CodeReader | None

    def read(self) -> Steps:
        """Read what follows reasoning."""
        if self.syntax.space:
            yield from self.reader.skip_space()
        if self.section.offered:
            yield from self._begin()
        names = self.section.calls.schemas or ()
        beginnings = tuple(self.syntax.beginnings(names).values())
        marks = (*self.text.marks(reasoned=self.reasoning.seen), *beginnings)
        while (marker := (yield from self.text.until(marks))) is not None:
            if marker in beginnings:
                yield from self._calls_at(marker)
            else:
                yield from self.text.at(marker)

    def _begin(self) -> Steps:
        """Read calls, as code or otherwise, at the beginning of the turn."""
        called = yield from self.section.bare()
        if called or not self.code or not (yield from self.code.begins()):
            return
        if not (yield from self.code.read()) and not self.reader.cut_off:
            self.text.say(self.code.code.open)

    def _calls_at(self, beginning: str) -> Steps:
        """Read calls of which the first begins so; if there is none, that was text."""
        header = self.syntax.before_name.removesuffix(self.syntax.lead)
        self.reader.give_back(len(beginning) - len(header))
        if not (yield from self.section.bare()) and not self.reader.cut_off:
            self.text.say(header + self.reader.take(len(beginning) - len(header)))
