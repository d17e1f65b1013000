"""Push buffer of text in pieces, with markers that may be split across them, and backtracking.

The buffer answers: what is next, what is safe to release now, and what might still be the start
of a marker?  The beginning of a marker is withheld, since what was released as text cannot be
taken back when the rest of the marker arrives.  A reader may go back to where it started.  Knows
nothing of calls or models.

Every character is released once; between pushes at most ``longest marker - 1`` are held, unless
a reader keeps its place with ``mark``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Buffer:
    """A push buffer with a place in it."""

    final: bool = field(default=False, init=False)  # no more text is coming
    _text: str = field(default="", init=False)
    _at: int = field(default=0, init=False)
    _marks: list[int] = field(default_factory=list, init=False)  # where readers may go back to

    def push(self, text: str) -> None:
        """Append more text."""
        start = self._marks[0] if self._marks else self._at
        if start:
            self._text = self._text[start:]
            self._at -= start
            self._marks = [mark - start for mark in self._marks]
        self._text += text

    def close(self) -> None:
        """Mark the text as complete: no more is coming."""
        self.final = True

    @property
    def pending(self) -> str:
        """Text that has arrived and was not taken."""
        return self._text[self._at :]

    @property
    def peek(self) -> str:
        """The next character, "" if none is there."""
        return self._text[self._at : self._at + 1]

    def take(self, count: int) -> str:
        """Take the next *count* characters."""
        taken = self._text[self._at : self._at + count]
        self._at += len(taken)
        return taken

    def give_back(self, count: int) -> None:
        """Put back the last *count* of the characters taken since the last push."""
        self._at -= count

    def mark(self) -> None:
        """Keep this place to go back to, beside those that are kept."""
        self._marks.append(self._at)

    def since_mark(self) -> int:
        """Count the characters taken since the first kept place."""
        return self._at - self._marks[0] if self._marks else 0

    def rewind(self) -> None:
        """Go back to the place that was kept last, if any is, and keep it no longer."""
        if self._marks:
            self._at = self._marks.pop()

    def release(self) -> None:
        """Keep no place any longer."""
        self._marks.clear()

    def take_until(self, markers: tuple[str, ...]) -> tuple[str, str | None]:
        """Take the text before the first marker, and that marker.

        Without a marker, take all the text that cannot begin one, and None.
        """
        at, marker = self._find(markers)
        if not self.final and (partial := self._find_partial(markers)) <= at:
            at, marker = partial, None  # a longer marker may still be arriving
        text = self._text[self._at : at]
        self._at = at + len(marker or "")
        return text, marker

    def take_before(self, markers: tuple[str, ...]) -> tuple[str, str | None]:
        """Take the text before the first marker, like ``take_until``, but leave the marker."""
        text, marker = self.take_until(markers)
        self.give_back(len(marker or ""))
        return text, marker

    def _find(self, markers: tuple[str, ...]) -> tuple[int, str | None]:
        """Find the leftmost marker, the longest of those that start there."""
        hits = ((self._text.find(m, self._at), -len(m), m) for m in markers)
        at, _, marker = min((h for h in hits if h[0] >= 0), default=(len(self._text), 0, None))
        return at, marker

    def _find_partial(self, markers: tuple[str, ...]) -> int:
        """Find where the first unfinished marker starts; the end of the text if there is none."""
        longest = max(map(len, markers), default=0)
        end = len(self._text)
        for at in range(max(self._at, end - longest + 1), end):
            tail = self._text[at:]
            if any(m.startswith(tail) and m != tail for m in markers):
                return at
        return end
