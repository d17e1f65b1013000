"""Reads the calls of a turn: the marks around all of them, and what stands between two."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from gguf_fc.dialect.read.calls import CallReader
from gguf_fc.dialect.read.reader import Reader, Steps
from gguf_fc.dialect.syntax import CallPattern, Syntax


@dataclass(slots=True)
class SectionReader:
    """Reads the calls that stand one behind another; *calls* reads each of them."""

    syntax: Syntax
    reader: Reader
    calls: CallReader
    _patterns: Sequence[CallPattern] = field(init=False)

    def __post_init__(self) -> None:
        # The longest mark first: a shorter one may be its beginning.
        self._patterns = sorted(self.syntax.patterns, key=lambda pattern: -len(pattern.marker))

    @property
    def offered(self) -> bool:
        """Some tool may be called, so that something can be a call."""
        return self.calls.schemas is None or bool(self.calls.schemas)

    def announced(self, marker: str) -> Generator[None, None, bool]:
        """Read calls from behind the *marker* that announced them.

        False where there is none; then nothing behind the marker is taken.
        """
        marks = self.syntax.section_marks.get(marker, self.syntax.section)
        before, section = self.calls.count, marks.open.strip()
        self.reader.mark()
        inside, taken = bool(section), marker
        if section.startswith(marker):
            yield from self.reader.follows_words(section[len(marker) :])
            taken = ""
        elif marker.startswith(section):
            taken = marker.removeprefix(section).strip()
        else:
            inside = False  # a call in another form, which has no section around it
        yield from self._in_row(taken, several=inside, close=marks.close)
        return self.calls.count > before

    def bare(self) -> Generator[None, None, bool]:
        """Read calls that are known by their form alone; False, and nothing taken, if none is."""
        before, reader = self.calls.count, self.reader
        for section in (*self.syntax.also_sections, self.syntax.section):
            reader.mark()
            if (yield from self.reader.follows_words(section.open)):
                yield from self._in_row("", several=True, close=section.close)
            else:
                reader.rewind()
            if self.calls.count > before:
                return True
        return False

    def one(self, taken: str = "") -> Generator[None, None, bool]:
        """Read one call in any of the ways to write one that begin with *taken*, which is read."""
        before, reader = self.calls.count, self.reader
        for pattern in self._patterns:
            if not pattern.marker.startswith(taken):
                continue
            reader.mark()
            if (yield from self.calls.read(pattern, len(taken))):
                return True
            if self.calls.count > before:
                return False  # it broke when it was already announced
            reader.rewind()
        return False

    def _in_row(self, taken: str, *, several: bool, close: str | None = None) -> Steps:
        """Read calls and, if there were any, what closes their section."""
        close = self.syntax.section.close if close is None else close
        before, reader = self.calls.count, self.reader
        while (yield from self.one(taken)):
            reader.mark()
            if not several or not (yield from self.reader.follows_words(self.syntax.separator)):
                break
            taken = ""
        reader.rewind()
        if self.calls.count > before:
            yield from self.reader.follows_words(close)
            self.calls.drop_cut_mark()
