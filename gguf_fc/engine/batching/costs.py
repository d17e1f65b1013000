"""What a step costs by its size: the prices by which batches are planned.

Theory of operation.
1. The price of a batch is no straight line: two tokens may cost as much as three single ones, and
   eight hardly more than two, as other kernels take over.  So a few sizes are timed (``timing``);
   between them the price is read off a line.
2. All prices are in steps of one token: only ratios are used, whatever else the machine does.
3. Kernels may take tokens in groups of a *grain*; what is left over goes one by one, so eleven
   tokens can cost more than twelve.  A batch of several sequences is filled up, or cut, to groups,
   with prompts and drafts where there are any; any batch is filled up where that is cheaper.
4. Rows of logits have a price of their own, the *head*: the last matrix is computed for them only,
   and in a small model with a large vocabulary it is a good part of all.
5. Where small batches are dear, two streams take less time one after the other than together.
6. Tokens that are certain can be evaluated in several parts, of which only the last needs a row.
   That is cheaper where small batches are dear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_IN_PARTS = 32
CLEARLY = 0.9  # of what all streams cost together: taking turns is cheaper
UNMEASURED = (1.0, 1.1)  # a model of which nothing is known gains much from batches


@dataclass(frozen=True, slots=True)
class Grain:
    """How many tokens kernels take together, and the price of each that is left over."""

    size: int = 1
    left_over: float = 0.0


NO_GRAIN = Grain()


class Costs:
    """Prices of steps, from the prices *curve* of some with as many tokens as rows.

    By their size, or else of 1, 2, 4, 8, ... tokens.
    """

    def __init__(
        self,
        curve: Mapping[int, float] | Sequence[float] = UNMEASURED,
        head: float = 0.0,
        grain: Grain = NO_GRAIN,
    ) -> None:
        self._head = head
        self._grain = grain
        points = curve if isinstance(curve, Mapping) else {2**n: p for n, p in enumerate(curve)}
        self._table = _table(points)
        self._slope = self._table[-1] - self._table[-2]
        self._parts = self._best_parts()
        self._together: dict[int, int] = {}

    def step(self, n_tokens: int, n_rows: int) -> float:
        """The price of a step of *n_tokens* that yields *n_rows*."""
        return (1 - self._head) * self._at(n_tokens) + self._head * self._at(n_rows)

    def in_parts(self, n_tokens: int) -> float:
        """The price of evaluating *n_tokens* in the best parts, for one row."""
        if n_tokens > MOST_IN_PARTS:
            return self.step(n_tokens, 1)
        return self._parts[n_tokens][0]

    def first_part(self, n_tokens: int) -> int:
        """How many of *n_tokens* to evaluate first; all of them where one batch is best."""
        return n_tokens if n_tokens > MOST_IN_PARTS else self._parts[n_tokens][1]

    def together(self, n_streams: int) -> int:
        """How many of *n_streams*, with a token each, share a step: fewer where that is cheaper."""
        if n_streams not in self._together:
            each = {n: self.step(self.full(n), n) / n for n in range(1, n_streams + 1)}
            best = min(each, key=each.__getitem__)
            is_cheaper = each[best] < CLEARLY * each[n_streams]
            self._together[n_streams] = best if is_cheaper else n_streams
        return self._together[n_streams]

    def whole(self, n_tokens: int) -> int:
        """The most tokens up to *n_tokens* of which none is left over; all of very few."""
        size = self._grain.size
        return n_tokens - n_tokens % size if n_tokens > size else n_tokens

    def full(self, n_tokens: int) -> int:
        """How many tokens to evaluate instead of *n_tokens*: more where these cost less."""
        whole = self.whole(n_tokens)
        fuller = whole + self._grain.size
        return fuller if n_tokens > whole and self._at(fuller) < self._at(n_tokens) else n_tokens

    def filling(self, n_tokens: int, n_more: int) -> int:
        """How many to add to a batch of *n_tokens*, about *n_more*, so that none is left over."""
        if n_more <= 0:
            return 0
        fewer = self.whole(n_tokens + n_more) - n_tokens
        return fewer if 2 * fewer >= n_more else fewer + self._grain.size

    def _at(self, n: int) -> float:
        whole = self.whole(n)
        return self._line(whole) + (n - whole) * self._grain.left_over

    def _line(self, n: int) -> float:
        table = self._table
        if n < len(table):
            return table[n]
        return table[-1] + (n + 1 - len(table)) * self._slope

    def _best_parts(self) -> list[tuple[float, int]]:
        best: list[tuple[float, int]] = [(0.0, 0)]
        for n in range(1, MOST_IN_PARTS + 1):
            splits = [(self.step(part, 0) + best[n - part][0], part) for part in range(1, n)]
            best.append(min([(self.step(self.full(n), 1), n), *splits]))
        return best


def _table(points: Mapping[int, float]) -> list[float]:
    """The price at every size from 0 on, on lines between those of *points*."""
    prices = [0.0]
    for (low, start), (high, end) in pairwise([(0, 0.0), *sorted(points.items())]):
        rise = (end - start) / (high - low)
        prices += [start + rise * (at - low) for at in range(low + 1, high + 1)]
    return prices
