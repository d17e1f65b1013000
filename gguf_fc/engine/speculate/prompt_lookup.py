"""Where a text went the way it goes now: earlier places that end with the same tokens.

Each token's places are kept in a list, so that a new token and a search cost the same however long
the text is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LONGEST = 16  # tokens in common that are counted
MOST_PLACES = 16  # that are compared, the latest of them


@dataclass(frozen=True, slots=True)
class LookupMatch:
    """The token that followed, and how many tokens before it agree."""

    token: int
    n_common: int


@dataclass(slots=True, eq=False)
class PromptLookup:
    """A list of tokens, which may grow, in which to look up how it went on."""

    tokens: list[int]
    _places: dict[int, list[int]] = field(default_factory=dict, init=False)
    _n_known: int = field(default=0, init=False)

    def find(self, tail: Sequence[int]) -> LookupMatch | None:
        """What followed the longest end of *tail* that stands in the text; of two, the later."""
        self._read()
        best = None
        for at in reversed(self._places.get(tail[-1], ())[-MOST_PLACES:]):
            n_common = self._in_common(tail, at)
            if best is None or n_common > best.n_common:
                best = LookupMatch(self.tokens[at + 1], n_common)
        return best

    def _read(self) -> None:
        """Note where the tokens stand that have one after them."""
        for at in range(self._n_known, len(self.tokens) - 1):
            self._places.setdefault(self.tokens[at], []).append(at)
        self._n_known = max(0, len(self.tokens) - 1)

    def _in_common(self, tail: Sequence[int], at: int) -> int:
        most = min(LONGEST, len(tail), at + 1)
        n = 1
        while n < most and tail[-1 - n] == self.tokens[at - n]:
            n += 1
        return n
