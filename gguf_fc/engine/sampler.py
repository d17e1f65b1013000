"""Choosing the next token from a row of logits.

Penalties and biases, then top_k, top_p and min_p, then temperature and one random number, in the
order llama.cpp applies them.  The vocabulary is never sorted as a whole: a partition finds the few
candidates first.  Each job has its own generator, so its seed alone decides its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.model import Logits
from gguf_fc.job import Sampling

Tokens = NDArray[np.intp]
COLDEST = 1e-4  # a lower temperature is greedy
FIRST_CUT = 256  # candidates top_p starts with; most distributions need fewer
FEWEST_ROWS = 4  # below, laying values out in rows saves nothing


@dataclass(slots=True, eq=False)
class Sampler:
    """One job's way of choosing."""

    sampling: Sampling
    _random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        seed = self.sampling.seed
        self._random = np.random.default_rng(None if seed is None else abs(seed))

    def prepare(self, logits: Logits, tokens: Sequence[int]) -> None:
        """Apply biases and penalties to *logits*, in place, once per row."""
        for token, bias in self.sampling.logit_bias:
            if 0 <= token < len(logits):
                logits[token] += bias
        if self.sampling.penalty_last_n and self._penalizes:
            self._penalize(logits, tokens[-self.sampling.penalty_last_n :])

    @property
    def _penalizes(self) -> bool:
        s = self.sampling
        return (s.repeat_penalty, s.frequency_penalty, s.presence_penalty) != (1.0, 0.0, 0.0)

    def _penalize(self, logits: Logits, tokens: Sequence[int]) -> None:
        s = self.sampling
        seen, counts = np.unique(np.asarray(tokens, np.intp), return_counts=True)
        values = logits[seen]
        values = np.where(values > 0, values / s.repeat_penalty, values * s.repeat_penalty)
        logits[seen] = values - counts * s.frequency_penalty - s.presence_penalty

    def choose(self, logits: Logits, allowed: NDArray[np.bool_] | None = None) -> int:
        """A token, of the *allowed* ones (at least one) if a mask is given."""
        if allowed is None:
            return self._choose(logits)
        tokens = np.flatnonzero(allowed)
        return int(tokens[self._choose(logits[tokens])])

    def _choose(self, logits: Logits) -> int:
        temperature = np.float32(self.sampling.temperature)
        if temperature < COLDEST or self.sampling.top_k == 1:
            return int(logits.argmax())
        tokens, values = self._candidates(logits)
        heights = _weights(values / temperature).cumsum(dtype=np.float64)
        index = np.searchsorted(heights, self._random.random() * heights[-1], side="right")
        chosen = min(int(index), len(heights) - 1)
        return chosen if tokens is None else int(tokens[chosen])

    def _candidates(self, logits: Logits) -> tuple[Tokens | None, Logits]:
        """The tokens left by top_k, top_p and min_p, None for all, and their logits."""
        s = self.sampling
        tokens, values = None, logits
        if 0 < s.top_k < len(logits):
            tokens = largest(logits, s.top_k)
            values = logits[tokens]
        if s.top_p < 1 or s.min_p > 0:
            likely = _likely(values, s.top_p, s.min_p)
            tokens = likely if tokens is None else tokens[likely]
            values = values[likely]
        return tokens, values


def largest(values: Logits, count: int) -> Tokens:
    """Where the *count* largest *values* stand, in no order.

    Laid out in rows, they all stand in the *count* columns that have the largest maxima: so only
    those are searched, about twice the square root of what there is.
    """
    n_rows = isqrt(len(values) // count)
    if n_rows < FEWEST_ROWS:
        return _partition(values, count)
    n_columns = len(values) // n_rows
    rest = n_rows * n_columns
    maxima = values[:rest].reshape(n_rows, n_columns).max(axis=0)
    rows = np.arange(n_rows)[:, None] * n_columns
    searched = np.append(rows + _partition(maxima, count), np.arange(rest, len(values)))
    return searched[_partition(values[searched], count)]


def _partition(values: Logits, count: int) -> Tokens:
    if count >= len(values):
        return np.arange(len(values))
    return np.argpartition(values, -count)[-count:]


def _weights(logits: Logits) -> Logits:
    """Probabilities that are not yet divided by their sum."""
    weights: Logits = np.exp(logits - logits.max())
    return weights


def _likely(logits: Logits, top_p: float, min_p: float) -> Tokens:
    """Where the fewest stand that together have *top_p*, but none below *min_p* of the largest."""
    weights = _weights(logits)
    goal = top_p * weights.sum(dtype=np.float64)
    likely = np.flatnonzero(weights >= min_p)
    return likely[_head(weights[likely], goal)] if top_p < 1 else likely


def _head(weights: Logits, goal: float) -> Tokens:
    """Where the fewest stand whose sum reaches *goal*; all, if they do not reach it."""
    count = FIRST_CUT
    while True:
        head = largest(weights, count)
        if count >= len(weights) or weights[head].sum(dtype=np.float64) >= goal:
            break
        count *= 4
    head = head[np.argsort(-weights[head])]
    needed = int(np.searchsorted(weights[head].cumsum(dtype=np.float64), goal)) + 1
    return head[:needed]
