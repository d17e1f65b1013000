"""Statistics of the samples: medians, ranges and speedups; and all that as a table of text.

Ratios are taken round by round, of samples that were taken one after the other, and only then is
their median: whatever else the machine was doing slowed both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gguf_fc.bench.rounds import Result


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of some values."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """The spread of *values*; None of nothing."""
        if not values:
            return None
        return cls(median(values), min(values), max(values), len(values))

    def text(self, digits: int = 3) -> str:
        """``median (low-high)``."""
        middle, low, high = (_short(x, digits) for x in (self.median, self.low, self.high))
        return f"{middle} ({low}-{high})"


def _short(value: float, digits: int) -> str:
    """*value* rounded to so many significant *digits*."""
    return f"{value:#.{digits}g}".rstrip(".") if abs(value) < 10**digits else f"{value:.0f}"


def values_of(result: Result, name: str) -> Spread | None:
    """Median and range of *name*'s samples; None without any."""
    return Spread.of([sample.value for sample in result.samples.get(name, ())])


def speedup(result: Result, ours: str, other: str) -> Spread | None:
    """Speedup of *ours* over *other*, of paired samples; None where one of them has none."""
    pairs = zip(result.samples.get(ours, ()), result.samples.get(other, ()), strict=False)
    return Spread.of([result.workload.speedup(a.value, b.value) for a, b in pairs])


def notes_of(result: Result, name: str) -> str:
    """Medians of the further figures of *name*, as text."""
    samples = result.samples.get(name, ())
    keys = dict.fromkeys(key for sample in samples for key in sample.notes)
    medians = {
        key: median([sample.notes[key] for sample in samples if key in sample.notes])
        for key in keys
    }
    return ", ".join(f"{key} {_short(value, 3)}" for key, value in medians.items())


def table(results: Sequence[Result]) -> str:
    """All results, a few lines each: medians, and the speedup of the first contender."""
    return "\n".join(line for result in results for line in _lines(result))


def _lines(result: Result) -> list[str]:
    workload = result.workload
    ours, *others = result.samples
    lines = [f"{workload.name}: {workload.about}"]
    for name in result.samples:
        spread = values_of(result, name)
        told = (
            f"{spread.text()} {workload.unit}" if spread else result.failures.get(name, "nothing")
        )
        lines.append(f"  {name:<24} {told:<34} {notes_of(result, name)}".rstrip())
    lines += [
        f"  {ours} is {ratio.text()} times as fast as {name}"
        for name in others
        if (ratio := speedup(result, ours, name))
    ]
    return lines
