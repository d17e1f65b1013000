"""Sampling the next token from a row of logits.

Penalties and biases, then top_k, typical_p, top_p and min_p, then temperature and one random
number, in the order llama.cpp applies them.  Each job has its own generator: its seed alone decides
its numbers.

Theory of operation.  A vocabulary has 150,000 tokens, and a step has a tenth of a millisecond.
1. It is never sorted as a whole: partitions of maxima find the few candidates first (``largest``).
2. Its weights are never added up one after the other either: sums of stretches say in which stretch
   the random number falls, and only that one is added up (``draw``).
3. Of a mask that allows few tokens only their logits are taken out; of one that refuses few, only
   theirs are put out of reach.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import exp, inf, isqrt

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.model import Logits
from gguf_fc.errors import EngineError
from gguf_fc.job import Sampling

Tokens = NDArray[np.intp]
COLDEST = 1e-4  # a lower temperature is greedy
FIRST_CUT = 256  # candidates top_p starts with; most distributions need fewer
FEWEST_ROWS = 4  # below, laying values out in rows saves nothing
FEW = 100  # candidates for which numpy is slower than Python
NO_NUMBERS = "The model's logits are no numbers to choose by."
LONGEST_STRETCH = 400  # weights
BELOW_ONE = 1 - 2.0**-53


@dataclass(slots=True, eq=False)
class Sampler:
    """Sampling parameters and random generator of one job."""

    sampling: Sampling
    n_draws: int = field(default=0, init=False)  # random numbers drawn so far
    _random: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        seed = self.sampling.seed
        self._random = np.random.Generator(np.random.PCG64(None if seed is None else abs(seed)))

    def skip(self, n_draws: int) -> None:
        """Go on as if *n_draws* random numbers had been drawn."""
        bits = self._random.bit_generator
        assert isinstance(bits, np.random.PCG64)
        bits.advance(n_draws)  # a double takes one step of this generator
        self.n_draws += n_draws

    def _draw(self) -> float:
        self.n_draws += 1
        return self._random.random()

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

    @property
    def n_decisive(self) -> int | None:
        """Number of the largest logits that a choice may depend on; None for all of them."""
        return 1 if self._is_greedy else self.sampling.top_k or None

    @property
    def _is_greedy(self) -> bool:
        return self.sampling.temperature < COLDEST or self.sampling.top_k == 1

    def choose(self, logits: Logits, allowed: NDArray[np.bool_] | None = None) -> int:
        """Sample a token, among the *allowed* ones (at least one) if a mask is given."""
        if allowed is None:
            return self._choose(logits)
        if 2 * np.count_nonzero(allowed) <= len(logits):
            return self.choose_from(np.flatnonzero(allowed), logits)
        masked = logits.copy()
        masked[np.flatnonzero(~allowed)] = -np.inf
        return self._choose(masked)

    def choose_from(self, tokens: Tokens, logits: Logits) -> int:
        """Sample one of *tokens*."""
        return int(tokens[self._choose(logits[tokens])])

    def _choose(self, logits: Logits) -> int:
        if self._is_greedy:
            return int(logits.argmax())
        top_k = self.sampling.top_k
        if not 0 < top_k < len(logits):
            return self._one_of(logits)
        tokens = largest(logits, top_k)
        return int(tokens[self._one_of(logits[tokens])])

    def _one_of(self, values: Logits) -> int:
        """Index in *values* of the sampled one."""
        s, share = self.sampling, self._draw()
        if s.typical_p < 1:
            places = typical(values, s.typical_p)
            return int(places[self._draw_of(values[places], share)])
        return self._draw_of(values, share)

    def _draw_of(self, values: Logits, share: float) -> int:
        """Index in *values* of the one that *share* falls on, of those top_p and min_p leave."""
        s = self.sampling
        if len(values) <= FEW:
            left = ranked(values.tolist(), s.top_p, s.min_p)
            heights = [*accumulate(exp((value - left[0][0]) / s.temperature) for value, _ in left)]
            return left[bisect_right(heights, share * heights[-1])][1]
        if s.top_p == 1 and s.min_p == 0:
            return draw(_weights(values, s.temperature), share)
        places = likely(values, s.top_p, s.min_p)
        return int(places[draw(_weights(values[places], s.temperature), share)])


def ranked(values: list[float], top_p: float, min_p: float) -> list[tuple[float, int]]:
    """Values that top_p and min_p leave, with their indices, the largest first.

    In Python: for a few values that is quicker than numpy, which takes its time before each of two
    dozen operations.  Raises EngineError if they are no numbers.
    """
    order = sorted(((value, -place) for place, value in enumerate(values)), reverse=True)
    if not sum(values) < inf or order[0][0] == -inf:
        raise EngineError(NO_NUMBERS)
    weights = [exp(value - order[0][0]) for value, _ in order]
    heights = [*accumulate(weights)]
    n_left = bisect_left(heights, top_p * heights[-1]) + 1 if top_p < 1 else len(order)
    n_near = sum(weight >= min_p for weight in weights)
    return [(value, -place) for value, place in order[: min(n_left, n_near)]]


def largest(values: Logits, count: int) -> Tokens:
    """Indices of the *count* largest *values*, in no order.

    Laid out in rows, they all stand in the *count* columns that have the largest maxima: so only
    those are searched, about twice the square root of what there is.
    """
    n_rows = isqrt(len(values) // count)
    if n_rows < FEWEST_ROWS:
        return _partition(values, count)
    maxima = _maxima(values, n_rows)
    rest = n_rows * len(maxima)
    rows = np.arange(0, rest, len(maxima))[:, None]
    searched = np.append(rows + _partition(maxima, count), np.arange(rest, len(values)))
    return searched[_partition(values[searched], count)]


def likeliest(logits: Logits, count: int) -> Tokens:
    """Tokens with the largest *logits*, in order; of equal ones, the smaller token first.

    At least *count* and about as many: all from some logit on.
    """
    n_rows = max(1, isqrt(len(logits) // count))
    maxima = _maxima(logits, n_rows)
    count = min(count, len(maxima))
    least = np.partition(maxima, -count)[-count]
    tokens = np.flatnonzero(logits >= least)
    return tokens[np.argsort(-logits[tokens], kind="stable")]


def draw(weights: Logits, share: float) -> int:
    """Index at which *share* of the sum of *weights* is reached; 0 <= *share* < 1.

    Never at a weight of 0.  Raises EngineError if they are no numbers.
    """
    start = 0
    if len(weights) > LONGEST_STRETCH:
        starts = np.arange(0, len(weights), LONGEST_STRETCH)
        sums = np.add.reduceat(weights, starts)
        stretch, share = _reach(sums, share)
        start = stretch * LONGEST_STRETCH
        weights = weights[start : start + LONGEST_STRETCH]
    return start + _reach(weights, share)[0]


def _reach(weights: Logits, share: float) -> tuple[int, float]:
    """Index at which *share* of the sum is reached, and the share of that weight."""
    heights = weights.cumsum(dtype=np.float64)
    if not heights[-1] > 0:
        raise EngineError(NO_NUMBERS)
    goal = share * heights[-1]
    at = int(heights.searchsorted(goal, side="right"))
    below = heights[at - 1] if at else 0.0
    return at, min(float((goal - below) / (heights[at] - below)), BELOW_ONE)


def _maxima(values: Logits, n_rows: int) -> Logits:
    """Maximum of each column of *values*, laid out in *n_rows* rows as far as they fill these."""
    n_columns = len(values) // n_rows
    maxima: Logits = values[: n_rows * n_columns].reshape(n_rows, n_columns).max(axis=0)
    return maxima


def _partition(values: Logits, count: int) -> Tokens:
    if count >= len(values):
        return np.arange(len(values))
    return np.argpartition(values, -count)[-count:]


def _weights(logits: Logits, temperature: float = 1.0) -> Logits:
    """Probabilities that are not yet divided by their sum."""
    weights: Logits = logits - logits.max()
    if temperature != 1:
        weights /= np.float32(temperature)
    return np.exp(weights, out=weights)


def likely(logits: Logits, top_p: float, min_p: float) -> Tokens:
    """Indices of the fewest that together have *top_p*, none below *min_p* of the largest."""
    weights = _weights(logits)
    goal = top_p * float(weights.sum())
    near = np.flatnonzero(weights >= min_p)
    return near[_head(weights[near], goal)] if top_p < 1 else near


def typical(logits: Logits, mass: float) -> Tokens:
    """Indices of the fewest that together have *mass*, those of the most usual surprise first.

    Locally typical sampling (Meister et al. 2022): a token's surprise is the negative logarithm of
    its probability, and the nearer it is to the entropy, their mean, the more usual.
    """
    weights = _weights(logits).astype(np.float64)
    shares = weights / weights.sum()
    possible = np.flatnonzero(shares)
    surprise = -np.log(shares[possible])
    entropy = float((shares[possible] * surprise).sum())
    if not entropy < inf:
        raise EngineError(NO_NUMBERS)
    order = possible[np.argsort(np.abs(surprise - entropy), kind="stable")]
    needed = int(np.searchsorted(shares[order].cumsum(), mass)) + 1
    return order[:needed]


def _head(weights: Logits, goal: float) -> Tokens:
    """Indices of the fewest whose sum reaches *goal*; all, if they do not reach it."""
    count = FIRST_CUT
    while True:
        head = largest(weights, count)
        if count >= len(weights) or weights[head].sum(dtype=np.float64) >= goal:
            break
        count *= 4
    head = head[np.argsort(-weights[head])]
    needed = int(np.searchsorted(weights[head].cumsum(dtype=np.float64), goal)) + 1
    return head[:needed]
