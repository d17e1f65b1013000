"""Kinds of guesses, and the hit rate of each before anything is known of the model.

Knows the bytes around a guess; nothing of token ids, grammars or prices.

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

STEPS: Final = (1, 2, 3, 4, 8)  # lengths of the n-gram in common that are told apart
_OPENING: Final = b"\"'`:([{<>=,|\n"
_GAP: Final = re.compile(rb"[\s\"'`][^\s\"'`]")

_HELD: Final[dict[Where, tuple[float, ...]]] = {  # by ``STEPS``
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
    """Class of guesses that share a hit rate."""

    source: Source
    where: Where = ""
    n_common: int = 0  # of ``STEPS``
    is_held: bool = False  # in a value that a grammar holds

    @property
    def first_rate(self) -> float:
        """Hit rate before any guess was judged."""
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
    """Draft token, and the kind of guess that it is."""

    token: int
    kind: GuessKind

    @property
    def is_prediction(self) -> bool:
        """True for a token taken from the client's prediction."""
        return self.kind.source == "prediction"


def copied(
    source: Literal["prediction", "copy"], agreed: bytes, ahead: bytes, n: int, *, is_held: bool
) -> GuessKind:
    """Kind of a copy of *ahead*, which followed *agreed*, *n* tokens, in its source."""
    n_common = max(step for step in STEPS if step <= n)
    return GuessKind(source, _where(agreed, ahead), n_common, is_held)


def closing(copy: Guess | None, *, can_go_on: bool) -> GuessKind:
    """Kind of a guess that a value ends in place of *copy*, which may be allowed to *go on*."""
    if copy is None:
        return GuessKind("closing")
    if copy.kind.where in ("after one word", "between words"):
        return GuessKind("closing", copy.kind.where)
    return GuessKind("closing", "against the copy" if can_go_on else "where the copy cannot go on")


def goes_on_a_word(ahead: bytes) -> bool:
    """True where *ahead* may continue a word that was begun."""
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
    """True for a part of a word: an ASCII letter or digit, or a byte of another character."""
    return byte.isalnum() or byte >= b"\x80"
