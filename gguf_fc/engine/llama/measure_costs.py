"""Timing a few steps of a model when it has been loaded.  What for is ``costs``' business.

Theory of operation.
1. Machines are slower for a second or two now and then, so all sizes are timed in turn, several
   times over, and the best of each counts: what is compared was timed side by side.
2. Other work makes a step longer, never shorter: a size that took longer than a larger one was
   disturbed.
3. Small sizes come first.  A slow model is timed less, and may end with the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from time import perf_counter

from gguf_fc.engine.batching.costs import NO_GRAIN, Costs, Grain
from gguf_fc.engine.model import Feed, Model

SIZES = (1, 2, 4, 8, 12, 16, 32)  # that make the curve
GROUP = 4  # tokens that many kernels take together
ODD = 2 * GROUP - 1  # tokens, some of them left over where that is so
CLEARLY = 0.9  # of the price of ODD tokens: one token more costs less
ROUNDS = 3
LONGEST = 2.0  # seconds, after which nothing more is timed
FEWEST = 2  # sizes that are timed however long it takes: no line without two points
LEAST_RISE = 0.2  # of the price, below which the head cannot be told from noise
LARGEST_HEAD = 0.9

Timed = tuple[int, int]  # tokens and rows of a step

ONE_ROW: Timed = (2 * GROUP, 1)
LEFT_OVER: Timed = (ODD, ODD)
THREE_GROUPS: Timed = (3 * GROUP, 3 * GROUP)
STEPS: tuple[Timed, ...] = (
    *((size, size) for size in (1, 2, 4, 8)),
    ONE_ROW,
    (16, 16),
    LEFT_OVER,
    THREE_GROUPS,
    (32, 32),
)


def measure(model: Model, clock: Callable[[], float] = perf_counter) -> Costs:
    """Time a few steps of *model*, in its first slot, which is left empty."""
    times = _time_all(model, clock)
    whole = _undisturbed({size: times[size, size] for size in SIZES if (size, size) in times})
    if len(whole) < FEWEST or not whole[1]:
        return Costs()
    prices = {step: seconds / whole[1] for step, seconds in times.items()}
    curve = {size: seconds / whole[1] for size, seconds in whole.items()}
    return Costs(curve, _head(curve, prices), _grain(curve, prices))


def _time_all(model: Model, clock: Callable[[], float]) -> dict[Timed, float]:
    """The least seconds of each step, of as many as there is time for."""
    largest = min(model.n_batch, model.n_ctx_seq - 1)
    steps = [step for step in STEPS if step[0] <= largest]
    _step(model, (1, 1))  # untimed: a first step may have to wait for the weights from the disk
    began = clock()
    times: dict[Timed, float] = {}
    for _, step in product(range(ROUNDS), steps):
        start = clock()
        if len(times) >= FEWEST and start - began > LONGEST:
            break
        _step(model, step)
        times[step] = min(times.get(step, float("inf")), clock() - start)
    return times


def _step(model: Model, step: Timed) -> None:
    n_tokens, n_rows = step
    model.decode([Feed(0, 0, [0] * n_tokens, n_rows)])
    model.trim(0, 0)


def _undisturbed(whole: dict[int, float]) -> dict[int, float]:
    return {size: min(whole[other] for other in whole if other >= size) for size in whole}


def _head(curve: Mapping[int, float], prices: Mapping[Timed, float]) -> float:
    """The share of the price of rows, from those of a step with all rows and with one."""
    if ONE_ROW not in prices:
        return 0.0
    all_rows = curve[ONE_ROW[0]]
    if all_rows < 1 + LEAST_RISE:
        return 0.0
    return min(LARGEST_HEAD, max(0.0, (all_rows - prices[ONE_ROW]) / (all_rows - 1)))


def _grain(curve: Mapping[int, float], prices: Mapping[Timed, float]) -> Grain:
    """Whether tokens are taken in groups: then some sizes take longer than larger ones."""
    if not prices.keys() >= {LEFT_OVER, THREE_GROUPS}:
        return NO_GRAIN
    one, two, four = (curve[n * GROUP] for n in (1, 2, 4))
    odd, three = prices[LEFT_OVER], prices[THREE_GROUPS]
    if two > CLEARLY * odd:
        return NO_GRAIN
    left_over = max(0.0, odd - one) / (ODD - GROUP)
    return Grain(GROUP, left_over) if three < (two + four) / 2 + left_over else NO_GRAIN
