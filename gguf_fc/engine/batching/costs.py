"""Costs of a step by batch size: the prices that planning and drafting compare.

Theory of operation.
1. The price of a batch is no straight line: two tokens may cost as much as three single ones, and
   eight hardly more than two, as other kernels take over.  So a few sizes are timed when a model is
   loaded (``llama/measure_costs``); between them prices are interpolated.
2. All prices are in steps of one token: only ratios are used, however fast the machine is.
3. Kernels may take tokens in *tiles*; those left over go one by one, so eleven tokens can cost more
   than twelve.  A batch of several sequences is rounded to whole tiles, with tokens of prompts and
   drafts where there are any; any batch is padded where that is cheaper.
4. Rows of logits have a price of their own, the *head*: the last matrix multiplication is done for
   them only, and in a small model with a large vocabulary it is a good part of all.
5. Where small batches are dear, two streams take less time one after the other than together.
6. Tokens that are certain can be evaluated in several parts, of which only the last needs a row.
   That is cheaper where small batches are dear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_IN_PARTS = 32  # tokens; what is longer is evaluated in one batch
CLEARLY = 0.9  # of the price of all streams together: below it, taking turns is cheaper
UNMEASURED = (1.0, 1.1)  # prices of 1 and 2 tokens: an unknown model is thought to gain by batches


@dataclass(frozen=True, slots=True)
class KernelTile:
    """Number of tokens that kernels take together, and the price of each that is left over."""

    size: int = 1
    left_over: float = 0.0


NO_TILE = KernelTile()


class Costs:
    """Prices of steps, interpolated from *curve*: prices of a few with as many tokens as rows.

    *curve* maps sizes to prices, or lists the prices of 1, 2, 4, 8, ... tokens.
    """

    def __init__(
        self,
        curve: Mapping[int, float] | Sequence[float] = UNMEASURED,
        head: float = 0.0,
        tile: KernelTile = NO_TILE,
    ) -> None:
        self._head = head
        self._tile = tile
        points = curve if isinstance(curve, Mapping) else {2**n: p for n, p in enumerate(curve)}
        self._table = _table(points)
        self._slope = self._table[-1] - self._table[-2]
        self._parts = self._best_parts()
        self._together: dict[int, int] = {}

    def step(self, n_tokens: int, n_rows: int) -> float:
        """Price of a step of *n_tokens* that yields *n_rows* of logits."""
        return (1 - self._head) * self._at(n_tokens) + self._head * self._at(n_rows)

    def in_parts(self, n_tokens: int) -> float:
        """Price of *n_tokens* evaluated in the best parts, for one row of logits."""
        if n_tokens > MOST_IN_PARTS:
            return self.step(n_tokens, 1)
        return self._parts[n_tokens][0]

    def first_part(self, n_tokens: int) -> int:
        """Size of the first of the best parts of *n_tokens*: all where one batch is best."""
        return n_tokens if n_tokens > MOST_IN_PARTS else self._parts[n_tokens][1]

    def streams_per_step(self, n_streams: int) -> int:
        """Number of *n_streams*, a token each, that share a step: fewer where that is cheaper."""
        if n_streams not in self._together:
            each = {n: self.step(self.padded(n), n) / n for n in range(1, n_streams + 1)}
            best = min(each, key=each.__getitem__)
            is_cheaper = each[best] < CLEARLY * each[n_streams]
            self._together[n_streams] = best if is_cheaper else n_streams
        return self._together[n_streams]

    def round_down(self, n_tokens: int) -> int:
        """*n_tokens* rounded down to whole tiles; less than a tile stays as it is."""
        size = self._tile.size
        return n_tokens - n_tokens % size if n_tokens > size else n_tokens

    def padded(self, n_tokens: int) -> int:
        """Batch size for *n_tokens*: padded to the next tile where that costs less."""
        whole = self.round_down(n_tokens)
        fuller = whole + self._tile.size
        return fuller if n_tokens > whole and self._at(fuller) < self._at(n_tokens) else n_tokens

    def rounded_extra(self, n_tokens: int, n_more: int) -> int:
        """Tokens to add to a batch of *n_tokens*: *n_more*, rounded so that it has whole tiles."""
        if n_more <= 0:
            return 0
        fewer = self.round_down(n_tokens + n_more) - n_tokens
        return fewer if 2 * fewer >= n_more else fewer + self._tile.size

    def _at(self, n: int) -> float:
        whole = self.round_down(n)
        return self._line(whole) + (n - whole) * self._tile.left_over

    def _line(self, n: int) -> float:
        table = self._table
        if n < len(table):
            return table[n]
        return table[-1] + (n + 1 - len(table)) * self._slope

    def _best_parts(self) -> list[tuple[float, int]]:
        best: list[tuple[float, int]] = [(0.0, 0)]
        for n in range(1, MOST_IN_PARTS + 1):
            splits = [(self.step(part, 0) + best[n - part][0], part) for part in range(1, n)]
            best.append(min([(self.step(self.padded(n), 1), n), *splits]))
        return best


def _table(points: Mapping[int, float]) -> list[float]:
    """Price at every size from 0 on, interpolated between *points*."""
    prices = [0.0]
    for (low, start), (high, end) in pairwise([(0, 0.0), *sorted(points.items())]):
        rise = (end - start) / (high - low)
        prices += [start + rise * (at - low) for at in range(low + 1, high + 1)]
    return prices
