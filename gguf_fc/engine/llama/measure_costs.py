"""Measuring the costs of steps: a few batch sizes are timed when a model has been loaded.

Theory of operation.
1. Machines are slower for a second or two now and then, so all sizes are timed in turn, several
   times over, and the best of each counts: what is compared was timed side by side.
2. Other work makes a step longer, never shorter: a size that took longer than a larger one was
   disturbed.
3. Small sizes come first.  A slow model is timed less, and may end with the first of them.
4. The sizes: powers of two show where batched kernels take over from those for single tokens; 7, 8
   and 12 show whether kernels take tokens in tiles of 4, as then 7 take longer than 8, and three
   tiles are about midway between two and four; 8 tokens with one row show the price of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from time import perf_counter

from gguf_fc.engine.batching.costs import NO_TILE, Costs, KernelTile
from gguf_fc.engine.model import Feed, Model

SIZES = (1, 2, 4, 8, 12, 16, 32)  # that make the curve
TILE = 4  # tokens that many kernels take together
ODD = 2 * TILE - 1  # tokens, some of them left over where kernels take tiles
CLEARLY = 0.9  # of the price of ODD tokens: one token more costs less
ROUNDS = 3  # times that each size is timed
LONGEST = 2.0  # seconds, after which nothing more is timed
FEWEST = 2  # sizes that are timed however long it takes: no line without two points
LEAST_RISE = 0.2  # of the price, below which the head cannot be told from noise
LARGEST_HEAD = 0.9

Timed = tuple[int, int]  # tokens and rows of a step

ONE_ROW: Timed = (2 * TILE, 1)
LEFT_OVER: Timed = (ODD, ODD)
THREE_TILES: Timed = (3 * TILE, 3 * TILE)
STEPS: tuple[Timed, ...] = (
    *((size, size) for size in (1, 2, 4, 8)),
    ONE_ROW,
    (16, 16),
    LEFT_OVER,
    THREE_TILES,
    (32, 32),
)


def measure(model: Model, clock: Callable[[], float] = perf_counter) -> Costs:
    """Costs of *model*, timed in its first slot, which is left empty."""
    times = _time_all(model, clock)
    whole = _undisturbed({size: times[size, size] for size in SIZES if (size, size) in times})
    if len(whole) < FEWEST or not whole[1]:
        return Costs()
    prices = {step: seconds / whole[1] for step, seconds in times.items()}
    curve = {size: seconds / whole[1] for size, seconds in whole.items()}
    return Costs(curve, _head(curve, prices), _tile(curve, prices))


def _time_all(model: Model, clock: Callable[[], float]) -> dict[Timed, float]:
    """Least seconds of each step, for as many steps as there is time for."""
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
    """Times lowered to that of any larger size: other work makes a step longer, never shorter."""
    return {size: min(whole[other] for other in whole if other >= size) for size in whole}


def _head(curve: Mapping[int, float], prices: Mapping[Timed, float]) -> float:
    """Share of the price that rows have, from steps of the same size with all rows and with one."""
    if ONE_ROW not in prices:
        return 0.0
    all_rows = curve[ONE_ROW[0]]
    if all_rows < 1 + LEAST_RISE:
        return 0.0
    return min(LARGEST_HEAD, max(0.0, (all_rows - prices[ONE_ROW]) / (all_rows - 1)))


def _tile(curve: Mapping[int, float], prices: Mapping[Timed, float]) -> KernelTile:
    """Tile of the kernels, if they have one: then some sizes take longer than larger ones."""
    if not prices.keys() >= {LEFT_OVER, THREE_TILES}:
        return NO_TILE
    one, two, four = (curve[n * TILE] for n in (1, 2, 4))
    odd, three = prices[LEFT_OVER], prices[THREE_TILES]
    if two > CLEARLY * odd:
        return NO_TILE
    left_over = max(0.0, odd - one) / (ODD - TILE)
    return KernelTile(TILE, left_over) if three < (two + four) / 2 + left_over else NO_TILE
