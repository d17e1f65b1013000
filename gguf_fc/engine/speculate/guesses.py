"""What kinds of guesses there are, and how likely each is before anything is known of the model.

Knows the bytes around a guess; nothing of tokens' numbers, grammars or prices.

Theory of operation.
1. How often a guess is right depends on where it stands more than on where it was found.  A word
   that is being copied is nearly always copied to its end.  Where the next word begins, a value may
   be over: hardly so where a gap or a quotation mark has been copied already, but where all that
   was copied is one word it may have been the name alone.
2. Right after a mark that opens a value, agreement means little: it is the grammar's own text that
   agrees, and any value may follow.
3. What is said in a value that a grammar holds comes from the conversation; free talk does not.
4. So guesses are counted apart by all of this.  The first rates are what was seen of small models
   that call tools; what is counted afterwards counts for more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Source = Literal["spelling", "prediction", "copy", "closing", "forced"]
Where = Literal[
    "",
    "in a word",
    "at the end of a word",
    "after a joint",
    "at an opening",
    "after one word",
    "between words",
    "where the copy cannot go on",
    "against the copy",
]

STEPS: Final = (1, 2, 3, 4, 8)  # numbers of tokens in common that are told apart
_OPENING: Final = b"\"'`:([{<>=,|\n"
_GAP: Final = re.compile(rb"[\s\"'`][^\s\"'`]")

_HELD: Final[dict[Where, tuple[float, ...]]] = {  # by the number in common
    "in a word": (0.8, 0.9, 0.95, 0.97, 0.98),
    "at the end of a word": (0.4, 0.4, 0.5, 0.7, 0.8),
    "after a joint": (0.4, 0.5, 0.6, 0.8, 0.85),
    "at an opening": (0.1, 0.1, 0.2, 0.2, 0.2),
    "after one word": (0.3, 0.3, 0.3, 0.3, 0.3),
    "between words": (0.6, 0.7, 0.8, 0.85, 0.9),
}
_FREE: Final[dict[Where, tuple[float, ...]]] = {
    "in a word": (0.7, 0.9, 0.9, 0.95, 0.95),
    "at the end of a word": (0.05, 0.2, 0.3, 0.5, 0.6),
    "after a joint": (0.05, 0.2, 0.3, 0.5, 0.6),
    "at an opening": (0.1, 0.1, 0.1, 0.1, 0.1),
    "after one word": (0.3, 0.3, 0.3, 0.3, 0.3),
    "between words": (0.3, 0.4, 0.5, 0.5, 0.6),
}
_CLOSING: Final[dict[Where, float]] = {
    "": 0.5,
    "after one word": 0.75,
    "between words": 0.3,
    "where the copy cannot go on": 0.95,
    "against the copy": 0.4,
}
_SPELLING: Final = 0.95


@dataclass(frozen=True, slots=True)
class GuessKind:
    """Guesses that are counted together."""

    source: Source
    where: Where = ""
    n_common: int = 0  # of ``STEPS``
    is_held: bool = False  # in a value that a grammar holds

    @property
    def first_rate(self) -> float:
        """How often such a guess is right, before any was judged."""
        match self.source:
            case "prediction" | "copy":
                rates = _HELD if self.is_held else _FREE
                return rates[self.where][STEPS.index(self.n_common)]
            case "closing":
                return _CLOSING[self.where]
            case "spelling":
                return _SPELLING
            case "forced":
                return 1.0


SPELLING: Final = GuessKind("spelling")
FORCED: Final = GuessKind("forced")  # by the grammar, after the guess before it


@dataclass(frozen=True, slots=True)
class Guess:
    """A token, and what kind of guess it is."""

    token: int
    kind: GuessKind

    @property
    def is_prediction(self) -> bool:
        """Whether it was taken from the client's prediction."""
        return self.kind.source == "prediction"


def copied(
    source: Literal["prediction", "copy"], agreed: bytes, ahead: bytes, n: int, *, is_held: bool
) -> GuessKind:
    """The kind of *ahead*, which stood in the source behind *agreed*, *n* tokens."""
    n_common = max(step for step in STEPS if step <= n)
    return GuessKind(source, _where(agreed, ahead), n_common, is_held)


def closing(copy: Guess | None, *, can_go_on: bool) -> GuessKind:
    """The kind of a value's end in the place of *copy*, which the grammar lets *go on* or not."""
    if copy is None:
        return GuessKind("closing")
    if copy.kind.where in ("after one word", "between words"):
        return GuessKind("closing", copy.kind.where)
    return GuessKind("closing", "against the copy" if can_go_on else "where the copy cannot go on")


def goes_on_a_word(ahead: bytes) -> bool:
    """Whether a word that was begun may go on with *ahead*."""
    return _is_letter(ahead[:1])


def _where(agreed: bytes, ahead: bytes) -> Where:
    last = agreed[-1:]
    if ahead[:1].isspace():
        return "between words" if _GAP.search(agreed) else "after one word"
    if last and last in _OPENING:
        return "at an opening"
    if not _is_letter(last):
        return "after a joint"
    return "in a word" if _is_letter(ahead[:1]) else "at the end of a word"


def _is_letter(byte: bytes) -> bool:
    """Whether *byte* is a part of a word: an ASCII letter or digit, or of another character."""
    return byte.isalnum() or byte >= b"\x80"
