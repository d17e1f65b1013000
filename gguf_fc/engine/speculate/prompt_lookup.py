"""Prompt lookup: how the text went on where the same n-gram of tokens stood before.

The positions of each token are kept in a list, so that a new token and a search cost the same
however long the text is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST = 16  # tokens of the longest n-gram that is told apart
MOST_PLACES = 16  # earlier positions that are compared, the latest of them


@dataclass(frozen=True, slots=True)
class LookupMatch:
    """Token that followed an earlier occurrence, and the length of the n-gram that agrees."""

    token: int
    n_common: int


@dataclass(slots=True, eq=False)
class PromptLookup:
    """Index of a list of tokens, which may grow."""

    tokens: list[int]
    _places: dict[int, list[int]] = field(default_factory=dict, init=False)
    _n_known: int = field(default=0, init=False)

    def find(self, tail: Sequence[int]) -> LookupMatch | None:
        """Match of the longest suffix of *tail* that occurs earlier; of two, the later."""
        self._update()
        best = None
        for at in reversed(self._places.get(tail[-1], ())[-MOST_PLACES:]):
            n_common = self._in_common(tail, at)
            if best is None or n_common > best.n_common:
                best = LookupMatch(self.tokens[at + 1], n_common)
        return best

    def _update(self) -> None:
        """Index the new tokens, except the last, which nothing follows yet."""
        for at in range(self._n_known, len(self.tokens) - 1):
            self._places.setdefault(self.tokens[at], []).append(at)
        self._n_known = max(0, len(self.tokens) - 1)

    def _in_common(self, tail: Sequence[int], at: int) -> int:
        most = min(LONGEST, len(tail), at + 1)
        n = 1
        while n < most and tail[-1 - n] == self.tokens[at - n]:
            n += 1
        return n
