"""Reads the form in which every part of a turn has a header that says what it is.

Such a header stands between ``<|channel|>`` and ``<|message|>``, for instance, and the model begins
anew behind the mark that ends a part (``<|end|>``).  So only the beginning of a part decides what
it is: within text nothing but the end of a part is looked for, and quoted headers stay text.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from gguf_fc.dialect.read.reader import Reader, Steps
from gguf_fc.dialect.read.turn.reasoning import ReasoningReader
from gguf_fc.dialect.read.turn.section import SectionReader
from gguf_fc.dialect.read.turn.text import TextReader
from gguf_fc.dialect.syntax import Syntax


@dataclass(slots=True)
class FramedReader:
    """Reads one part behind another, up to the end of the turn."""

    syntax: Syntax
    reader: Reader
    text: TextReader
    reasoning: ReasoningReader
    section: SectionReader

    def read(self) -> Steps:
        """Read what follows reasoning."""
        ends = self.text.ends
        marks = tuple(dict.fromkeys((self.syntax.joint, *ends)))
        while True:
            yield from self._up_to_text()
            marker = yield from self.text.until(marks)
            if marker is None:
                return
            if marker in ends or self.reasoning.closed_by(marker):
                yield from self.text.closed(marker)
            else:
                self.text.drop_space()

    def _up_to_text(self) -> Steps:
        """Read the header of text; or parts of reasoning, then calls."""
        while not (yield from self._header()):
            if not (yield from self.reasoning.read()):
                if self.section.offered:
                    yield from self.section.announced("")
                return

    def _header(self) -> Generator[None, None, bool]:
        """Take the header of text if it stands here; it is layout."""
        reader = self.reader
        reader.mark()
        yield from self.reader.skip_space()
        # Where a turn begins anew, its own header may be there, or a part of it.
        for header in self.syntax.headers:
            if (yield from self.reader.follows(header)):
                reader.release()
                reader.mark()
                yield from self.reader.skip_space()
                break
        for opening in sorted(self.syntax.content_openings, key=len, reverse=True):
            if (yield from self.reader.follows(opening.strip())):
                reader.release()
                return True
        reader.rewind()
        return False
