"""Choosing the next token from a row of logits.

Penalties and biases, then top_k, top_p and min_p, then temperature and one random number, in the
order llama.cpp applies them.  The vocabulary is never sorted as a whole: a partition finds the few
candidates first.  Each job has its own generator, so its seed alone decides its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.model import Logits
from gguf_fc.job import Sampling

Tokens = NDArray[np.intp]
COLDEST = 1e-4  # a lower temperature is greedy
FIRST_CUT = 256  # candidates top_p starts with; most distributions need fewer


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
        if allowed is not None:
            logits = np.where(allowed, logits, np.float32(-np.inf))
        temperature = np.float32(self.sampling.temperature)
        if temperature < COLDEST or self.sampling.top_k == 1:
            return int(logits.argmax())
        tokens = self._candidates(logits)
        weights = _weights(logits[tokens] / temperature)
        heights = weights.cumsum(dtype=np.float64)
        index = np.searchsorted(heights, self._random.random() * heights[-1], side="right")
        return int(tokens[min(int(index), len(tokens) - 1)])

    def _candidates(self, logits: Logits) -> Tokens:
        """The tokens left by top_k, top_p and min_p."""
        s = self.sampling
        tokens = largest(logits, s.top_k) if s.top_k > 0 else np.arange(len(logits))
        if s.top_p < 1:
            tokens = _top_p(logits, tokens, s.top_p)
        if s.min_p > 0:
            values = logits[tokens]
            tokens = tokens[values >= values.max() + np.log(np.float32(s.min_p))]
        return tokens


def largest(values: Logits, count: int) -> Tokens:
    """Where the *count* largest *values* stand, in no order."""
    if count >= len(values):
        return np.arange(len(values))
    return np.argpartition(values, -count)[-count:]


def _weights(logits: Logits) -> Logits:
    """Probabilities that are not yet divided by their sum."""
    weights: Logits = np.exp(logits - logits.max())
    return weights


def _top_p(logits: Logits, tokens: Tokens, p: float) -> Tokens:
    """The fewest of *tokens* that together have probability *p* among them."""
    weights = _weights(logits[tokens])
    goal = p * weights.sum(dtype=np.float64)
    count = FIRST_CUT
    while True:
        head = largest(weights, count)
        if count >= len(tokens) or weights[head].sum(dtype=np.float64) >= goal:
            break
        count *= 4
    head = head[np.argsort(-weights[head])]
    needed = int(np.searchsorted(weights[head].cumsum(dtype=np.float64), goal)) + 1
    return tokens[head[:needed]]
