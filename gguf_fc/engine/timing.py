"""Timing a few steps of a model when it has been loaded.  What for is ``costs``' business."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from gguf_fc.engine.costs import NO_GRAIN, Costs, Grain
from gguf_fc.engine.model import Feed, Model

SIZES = (1, 2, 4, 8, 16)  # that are timed
GROUP = 4  # tokens that many kernels take together
ODD = 2 * GROUP - 1  # tokens, some of them left over where that is so
CLEARLY = 0.9  # of the price of ODD tokens: one token more costs less
TRIALS = 3  # the best of them counts
LONGEST_TRIALS = 0.2  # seconds, after which a size is not tried again
LONGEST = 1.5  # seconds, after which no further size is timed
LEAST_RISE = 0.2  # of the price, below which the head cannot be told from noise
LARGEST_HEAD = 0.9


def measure(model: Model, clock: Callable[[], float] = perf_counter) -> Costs:
    """Time a few steps of *model*, in its first slot, which is left empty."""
    _step(model, 1, 1)  # untimed: a first step may have to wait for the weights from the disk
    began = clock()
    largest = min(model.n_batch, model.n_ctx_seq - 1)
    whole: list[float] = []
    for size in SIZES:
        if size > largest or (len(whole) > 1 and clock() - began > LONGEST):
            break
        whole.append(_time(model, size, size, clock))
    whole = _undisturbed(whole)
    if len(whole) < 2 or not whole[0]:  # noqa: PLR2004 - no line without two points
        return Costs()
    curve = [seconds / whole[0] for seconds in whole]
    one_row = _time(model, SIZES[len(curve) - 1], 1, clock) / whole[0]
    grain = _grain(model, curve, clock, whole[0]) if len(whole) == len(SIZES) else NO_GRAIN
    return Costs(curve, _head(curve[-1], one_row), grain)


def _undisturbed(whole: list[float]) -> list[float]:
    """The times of ever larger steps: one that took longer than a larger one was disturbed."""
    return [min(whole[at:]) for at in range(len(whole))]


def _grain(model: Model, curve: list[float], clock: Callable[[], float], seconds: float) -> Grain:
    """Whether tokens are taken in groups, by the prices *curve* in steps of so many *seconds*."""
    one, two, four = curve[-3:]  # groups
    odd = _time(model, ODD, ODD, clock) / seconds
    even = _time(model, 2 * GROUP, 2 * GROUP, clock) / seconds
    if even > CLEARLY * odd:
        return NO_GRAIN
    left_over = max(0.0, odd - one) / (ODD - GROUP)
    three = _time(model, 3 * GROUP, 3 * GROUP, clock) / seconds
    return Grain(GROUP, left_over) if three < (two + four) / 2 + left_over else NO_GRAIN


def _head(all_rows: float, one_row: float) -> float:
    """The share of the price of rows, from that of the largest step with all rows and with one."""
    if all_rows < 1 + LEAST_RISE:
        return 0.0
    return min(LARGEST_HEAD, max(0.0, (all_rows - one_row) / (all_rows - 1)))


def _time(model: Model, n_tokens: int, n_rows: int, clock: Callable[[], float]) -> float:
    times: list[float] = []
    while len(times) < TRIALS and sum(times) < LONGEST_TRIALS:
        began = clock()
        _step(model, n_tokens, n_rows)
        times.append(clock() - began)
    return min(times)


def _step(model: Model, n_tokens: int, n_rows: int) -> None:
    model.decode([Feed(0, 0, [0] * n_tokens, n_rows)])
    model.trim(0, 0)
