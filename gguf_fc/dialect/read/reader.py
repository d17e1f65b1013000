"""Reads what is expected next, waiting where it has not arrived.

Every method is a generator: it runs until it needs more text, yields, and goes on when some has
been pushed.  What does not fit raises ``Mismatch``; whoever kept a place goes back there.
Knows JSON and white space, not calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from gguf_fc.dialect.read.buffer import Buffer
from gguf_fc.dialect.read.values import ValueReader
from gguf_fc.grammar.values.notation import JSON, Notation
from gguf_fc.grammar.values.spacing import SPACE

_MOST_HELD = 65536  # characters a reader may read before it must know that it is right
_WORD = re.compile(r"[\[\]{}]|[^\s\[\]{}]+")  # a word or a bracket: white space between is free

Steps = Generator[None]


class Mismatch(Exception):
    """The text is not what was expected."""


@dataclass(slots=True)
class Reader:
    """A buffer that is waited on."""

    buffer: Buffer = field(default_factory=Buffer)
    whole: bool = True  # the model itself ended the turn
    # The text ended within something that was expected: it may be the beginning of that.
    unfinished: bool = field(default=False, init=False)

    @property
    def cut_off(self) -> bool:
        """The turn was cut off within what may be a mark or a call: nothing of it is text."""
        return self.unfinished and not self.whole

    @property
    def ended(self) -> bool:
        """The text is over: none is left, and none is coming."""
        return self.buffer.final and not self.buffer.peek

    def more(self) -> Steps:
        """Wait until at least one character is there."""
        while not self.buffer.peek:
            if self.buffer.final:
                self.unfinished = True
            if self.buffer.final or self.buffer.since_mark() > _MOST_HELD:
                raise Mismatch
            yield

    def skip_space(self) -> Steps:
        """Take white space, up to something else or the end."""
        while True:
            pending = self.buffer.pending
            self.buffer.take(len(pending) - len(pending.lstrip(SPACE)))
            if self.buffer.peek or self.buffer.final:
                return
            yield

    def follows(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next."""
        while not (pending := self.buffer.pending).startswith(text):
            if not text.startswith(pending):
                return False
            if self.buffer.final:
                self.unfinished |= bool(pending)
                return False
            yield
        self.buffer.take(len(text))
        return True

    def follows_words(self, text: str) -> Generator[None, None, bool]:
        """Take *text* if it is next, whatever the white space around its words."""
        words = words_of(text)
        while (length := _measure(words, self.buffer.pending)) is None:
            if self.buffer.final:
                self.unfinished |= bool(self.buffer.pending.strip(SPACE))
                return False
            yield
        self.buffer.take(length)
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

    def expect_object(self) -> Steps:
        """See that a JSON object begins here, with a key or with its end; nothing is taken."""
        while not (inside := self.buffer.pending[1:].lstrip(SPACE)):
            if not "{".startswith(self.buffer.peek) or len(self.buffer.pending) > _MOST_HELD:
                raise Mismatch
            yield from self.wait()
        if self.buffer.peek != "{" or inside[0] not in '"}':
            raise Mismatch

    def value(self) -> Generator[None, None, str]:
        """Take one JSON value."""
        reader, taken = ValueReader(), []
        while reader.state == "open":
            yield from self.more()
            taken.append(self.buffer.take(reader.feed(self.buffer.pending)))
        if reader.state == "broken":
            raise Mismatch
        return "".join(taken)

    def pass_value(self, say: Callable[[str], None], notation: Notation = JSON) -> Steps:
        """Take one value of *notation*, passed on to *say* as JSON while it arrives."""
        values = ValueReader(notation)
        while values.state == "open":
            self.buffer.take(values.feed(self.buffer.pending))
            if text := values.take():
                say(text)
            if values.state == "open":
                yield from self.more()
        if values.state == "broken":
            raise Mismatch

    def until(self, ending: str, most: int | None) -> Generator[None, None, str]:
        """Take the text before *ending*, and that; at most *most* characters."""
        taken = ""
        while True:
            text, marker = self.buffer.take_until((ending,))
            taken += text
            if marker is not None:
                return taken
            if most is not None and len(taken) > most:
                raise Mismatch
            yield from self.wait()

    def wait(self) -> Steps:
        """Wait for more text than is there."""
        if self.buffer.final:
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
