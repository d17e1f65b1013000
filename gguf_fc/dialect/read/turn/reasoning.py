"""Reads blocks of reasoning (``<think>...</think>``), which either the prompt or the model opens.

With *inline* (reasoning wanted in the content) marks and thoughts are emitted as text.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field

from gguf_fc.dialect.read.reader import Reader, Steps, without_begun
from gguf_fc.dialect.read.turn.text import TextReader
from gguf_fc.dialect.syntax import Marked, Syntax

_MARK = re.compile(r"[<\[|]")


@dataclass(slots=True)
class ReasoningReader:
    """Reads the reasoning of one turn; *prefill* is the part of the turn that the prompt holds."""

    syntax: Syntax
    prefill: str
    inline: bool
    reader: Reader
    text: TextReader
    seen: bool = field(default=False, init=False)  # a block with thoughts was read

    @property
    def shown(self) -> bool:
        """Reasoning is emitted as text; never a block that the prompt itself closed."""
        marks = self.syntax.reasoning
        return self.inline and not (marks and marks.close.strip() in self.prefill)

    def closed_by(self, mark: str) -> bool:
        """Tell whether *mark* is what closes reasoning, and there was some."""
        marks = self.syntax.reasoning
        return self.seen and marks is not None and mark == marks.close.strip()

    def read(self) -> Generator[None, None, bool]:
        """Read a block of reasoning if one begins here; return whether one did."""
        marks, reader = self.syntax.reasoning, self.reader
        if marks is None:
            return False
        opening, closing = marks.open.strip(), marks.close.strip()
        reader.mark()
        yield from self.reader.skip_space()
        if (yield from self.reader.follows(closing)):
            # The prompt, or the model, opened the block and there is nothing in it.
            reader.release()
            yield from self._mark(closing)
            return True
        if not (yield from self.reader.follows(opening)):
            reader.rewind()
            return False
        reader.release()
        yield from self._open(marks)
        yield from self._thoughts(self.syntax.thought_end)
        return True

    def _open(self, marks: Marked) -> Steps:
        """Behind the opening mark of a block."""
        opening = marks.open.strip()
        if opening in self.prefill and not _MARK.search(marks.open):
            # Words with which the prompt has the model begin are no mark: they are thought.
            self._think(opening)
            return
        yield from self._mark(opening)
        while (yield from self.reader.follows(opening)):
            # The prompt had opened the block, and the model does so again.
            yield from self._mark(opening)

    def _thoughts(self, closing: str) -> Steps:
        """The inside of a block, up to the *closing* mark, which is taken too.

        Where that never comes, the thoughts end at the mark that announces a call.  Such a mark may
        also be quoted in a thought, and a call inside of a block is none: so from there on the text
        is withheld until the block is closed or the turn ends.
        """
        reader = self.reader
        closed = False
        while True:
            marks = (closing, *self.syntax.announcements)
            text, marker = reader.take_before(marks)
            if marker is None and self.reader.ended and not self.reader.whole:
                text = without_begun(text, marks)
            self._think(text)
            if marker == closing:
                reader.take(len(closing))
                closed = True
            elif marker is not None:
                closed = yield from self._quoted(closing)
            elif not self.reader.ended:
                yield
                continue
            break
        if not self.shown:
            self.text.end_thought()
        self.seen = True
        yield from self._mark(closing if closed else "")

    def _quoted(self, closing: str) -> Generator[None, None, bool]:
        """Take what announces a call as a thought if the block is *closing* behind it."""
        reader, pieces = self.reader, list[str]()
        reader.mark()
        while True:
            text, marker = reader.take_until((closing,))
            pieces.append(text)
            if marker is not None:
                reader.release()
                self._think("".join(pieces))
                return True
            if self.reader.ended:
                reader.rewind()
                return False
            yield

    def _mark(self, mark: str) -> Steps:
        """Behind a *mark*: it and the white space after it are layout, unless all is text."""
        if self.shown:
            self.text.say(mark)
        else:
            yield from self.reader.skip_space()

    def _think(self, text: str) -> None:
        if self.shown:
            self.text.say(text)
        else:
            self.text.thought(text)
