"""Plots as SVG text: ranges of ratios on a common logarithmic axis, and samples by round.

Knows coordinates and colours; what is plotted is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

COLOURS = ("#2f6fde", "#d9822b", "#2a9d6e", "#b23a8f", "#777777")
ROW = 26  # pixels
LABEL = 190
WIDTH = 760
MARGIN = 20
HEIGHT = 120  # of a plot by rounds
NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Range:
    """A row of a plot: its label, and the ends and the middle of what it shows."""

    label: str
    low: float
    middle: float
    high: float
    colour: str = COLOURS[0]


def ranges(rows: Sequence[Range]) -> str:
    """Each row a bar from its lowest to its highest value with a dot in the middle; 1 is marked."""
    low = min(1.0, *(row.low for row in rows)) / 1.2
    high = max(1.0, *(row.high for row in rows)) * 1.2
    height = ROW * (len(rows) + 1)

    def x(value: float) -> float:
        share = (log10(value) - log10(low)) / (log10(high) - log10(low))
        return LABEL + share * (WIDTH - LABEL - MARGIN)

    parts = [_tick(x(tick), height - ROW, f"{tick:g}x", tick == 1) for tick in ticks(low, high)]
    for number, row in enumerate(rows):
        y = ROW * number + ROW / 2
        parts.append(f'<text x="{LABEL - 8}" y="{y + 4}" class="label">{escape(row.label)}</text>')
        parts.append(
            f'<line x1="{x(row.low):.1f}" x2="{x(row.high):.1f}" y1="{y}" y2="{y}" '
            f'stroke="{row.colour}" stroke-width="6" stroke-linecap="round" opacity=".45"/>'
        )
        parts.append(f'<circle cx="{x(row.middle):.1f}" cy="{y}" r="5" fill="{row.colour}"/>')
    return _svg(height, parts)


def rounds(series: Mapping[str, Sequence[float]], unit: str) -> str:
    """The values of each series, round by round, as connected dots; the axis begins at 0."""
    most = max(value for values in series.values() for value in values) or 1.0
    longest = max(map(len, series.values()))
    step = (WIDTH - LABEL - MARGIN) / max(1, longest - 1)
    parts = [
        _level(HEIGHT - MARGIN, "0"),
        _level(MARGIN, f"{most:.3g} {unit}"),
    ]
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        dots = [
            (LABEL + i * step, HEIGHT - MARGIN - value / most * (HEIGHT - 2 * MARGIN))
            for i, value in enumerate(values)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in dots]
        y = MARGIN + 16 * (number + 2)
        parts.append(f'<text x="4" y="{y}" fill="{colour}">{escape(name)}</text>')
    return _svg(HEIGHT, parts)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between *low* and *high*, about evenly on a logarithmic axis; 1 among them."""
    found = [
        nice * 10.0**power
        for power in range(floor(log10(low)), floor(log10(high)) + 1)
        for nice in NICE
    ]
    return [tick for tick in found if low <= tick <= high]


def _tick(x: float, height: float, label: str, marked: bool) -> str:  # noqa: FBT001 - a drawing primitive
    style = "one" if marked else "grid"
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" class="{style}"/>'
        f'<text x="{x:.1f}" y="{height + 16}" class="tick">{label}</text>'
    )


def _level(y: float, label: str) -> str:
    return (
        f'<line x1="{LABEL}" x2="{WIDTH - MARGIN}" y1="{y}" y2="{y}" class="grid"/>'
        f'<text x="{LABEL - 8}" y="{y + 4}" class="label">{escape(label)}</text>'
    )


def _svg(height: float, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'
