"""Text of a turn as it arrives: takes what is expected next, and waits where it is not there yet.

Methods that may have to wait are generators: they run until they need more text, yield, and go on
when some has been pushed.  What does not fit raises ``Mismatch``; whoever kept a place with
``mark`` goes back there.  Knows marks and white space, not calls.

The beginning of a mark is withheld, since what was released as text cannot be taken back when the
rest of the mark arrives.  Every character is released once; between pushes at most ``longest mark -
1`` are held, unless a place is kept.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field

from gguf_fc.grammar.values.spacing import SPACE

MOST_HELD = 65536  # characters a reader may read before it must know that it is right
_WORD = re.compile(r"[\[\]{}]|[^\s\[\]{}]+")  # a word or a bracket: white space between is free

Steps = Generator[None]


class Mismatch(Exception):
    """The text is not what was expected."""


@dataclass(slots=True)
class Reader:
    """Text that was pushed, and a place in it."""

    whole: bool = True  # the model itself ended the turn
    stopped: bool = False  # a stop string of the client did
    final: bool = field(default=False, init=False)  # no more text is coming
    # The text ended within something that was expected: it may be the beginning of that.
    unfinished: bool = field(default=False, init=False)
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
        at, marker = _find(self._text, self._at, markers)
        if not self.final and (partial := _find_partial(self._text, self._at, markers)) <= at:
            at, marker = partial, None  # a longer marker may still be arriving
        text = self._text[self._at : at]
        self._at = at + len(marker or "")
        return text, marker

    def take_before(self, markers: tuple[str, ...]) -> tuple[str, str | None]:
        """Take the text before the first marker, like ``take_until``, but leave the marker."""
        text, marker = self.take_until(markers)
        self.give_back(len(marker or ""))
        return text, marker

    @property
    def cut_off(self) -> bool:
        """The turn was cut off within what may be a mark or a call: nothing of it is text."""
        return self.unfinished and not self.whole

    @property
    def ended(self) -> bool:
        """The text is over: none is left, and none is coming."""
        return self.final and not self.peek

    def more(self) -> Steps:
        """Wait until at least one character is there."""
        while not self.peek:
            if self.final:
                self.unfinished = True
            taken = self._at - self._marks[0] if self._marks else 0
            if self.final or taken > MOST_HELD:
                raise Mismatch
            yield

    def skip_space(self) -> Steps:
        """Take white space, up to something else or the end."""
        while True:
            pending = self.pending
            self.take(len(pending) - len(pending.lstrip(SPACE)))
            if self.peek or self.final:
                return
            yield

    def follows(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next."""
        while not (pending := self.pending).startswith(text):
            if not text.startswith(pending):
                return False
            if self.final:
                self.unfinished |= bool(pending)
                return False
            yield
        self.take(len(text))
        return True

    def follows_words(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next, whatever the white space around its words."""
        words = words_of(text)
        while (length := _measure(words, self.pending)) is None:
            if self.final:
                self.unfinished |= bool(self.pending.strip(SPACE))
                return False
            yield
        self.take(length)
        return length > 0 or not words

    def expect(self, text: str) -> Steps:
        """Take *text*, which must be next."""
        if not (yield from self.follows(text)):
            self.unfinished |= self.ended
            raise Mismatch

    def expect_words(self, text: str) -> Steps:
        """Take the words of *text*, which must be next."""
        if not (yield from self.follows_words(text)):
            self.unfinished |= self.ended
            raise Mismatch

    def until(self, ending: str, most: int | None) -> Generator[None, None, str]:
        """Take the text before *ending*, and that; at most *most* characters."""
        taken = ""
        while True:
            text, marker = self.take_until((ending,))
            taken += text
            if marker is not None:
                return taken
            if most is not None and len(taken) > most:
                raise Mismatch
            yield from self.wait()

    def wait(self) -> Steps:
        """Wait for more text than is there."""
        if self.final:
            self.unfinished = True
            raise Mismatch
        yield


def words_of(text: str) -> list[str]:
    """Split *text* into words and brackets."""
    return _WORD.findall(text)


def _measure(words: list[str], text: str) -> int | None:
    """Measure how much of *text* the *words* take: 0 if they differ, None if more is needed."""
    at = 0
    for word in words:
        while at < len(text) and text[at] in SPACE:
            at += 1
        if not text.startswith(word, at):
            return None if word.startswith(text[at:]) else 0
        at += len(word)
    return at


def without_begun(text: str, marks: tuple[str, ...]) -> str:
    """Drop the beginning of one of *marks* from the end of *text*."""
    longest = max(map(len, marks), default=1) - 1
    tails = (text[at:] for at in range(max(0, len(text) - longest), len(text)))
    begun = next((tail for tail in tails if any(mark.startswith(tail) for mark in marks)), "")
    return text[: len(text) - len(begun)]


def _find(text: str, start: int, markers: tuple[str, ...]) -> tuple[int, str | None]:
    """Find the leftmost marker from *start* on, the longest of those that stand there."""
    hits = ((text.find(m, start), -len(m), m) for m in markers)
    at, _, marker = min((h for h in hits if h[0] >= 0), default=(len(text), 0, None))
    return at, marker


def _find_partial(text: str, start: int, markers: tuple[str, ...]) -> int:
    """Find where the first unfinished marker begins; the end of the text if there is none."""
    longest = max(map(len, markers), default=0)
    end = len(text)
    for at in range(max(start, end - longest + 1), end):
        tail = text[at:]
        if any(m.startswith(tail) and m != tail for m in markers):
            return at
    return end
