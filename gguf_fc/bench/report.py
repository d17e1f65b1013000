"""The results as one page of HTML with plots; it needs no script and no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from gguf_fc.bench.plot import COLOURS, Range, ranges, rounds
from gguf_fc.bench.ratios import notes_of, speedup, values_of
from gguf_fc.bench.rounds import Result

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { border-top: 1px solid #8884; padding: .3rem .6rem .3rem 0; text-align: left }
svg { width: 100% } svg text { font-size: 12px; fill: currentColor }
svg .label { text-anchor: end } svg .tick { text-anchor: middle }
svg .grid { stroke: #8883 } svg .one { stroke: #888 }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #dde } }
"""


def page(results: Sequence[Result], about: Mapping[str, str]) -> str:
    """The whole page; *about* says what was measured where, as lines of a table."""
    return "".join(_parts(results, about))


def _parts(results: Sequence[Result], about: Mapping[str, str]) -> Iterator[str]:
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{STYLE}</style>'
    yield "<title>gguf-fc bench</title><h1>gguf-fc bench</h1><table>"
    for key, value in about.items():
        yield f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>"
    yield "</table>"
    if rows := list(_ratio_rows(results)):
        yield "<h2>How many times faster</h2>"
        yield "<p>Right of 1: gguf-fc is faster. A bar goes from the lowest to the highest round, "
        yield "the dot is the median.</p>"
        yield ranges(rows)
    for result in results:
        yield from _section(result)
    yield "</html>"


def _ratio_rows(results: Sequence[Result]) -> Iterator[Range]:
    for result in results:
        ours, *others = result.samples
        for number, name in enumerate(others, 1):
            if ratio := speedup(result, ours, name):
                label = result.workload.name
                if len(others) > 1:
                    label += f" / {name}"
                colour = COLOURS[number % len(COLOURS)]
                yield Range(label, ratio.low, ratio.median, ratio.high, colour)


def _section(result: Result) -> Iterator[str]:
    workload = result.workload
    yield f"<h2>{escape(workload.name)}</h2><p>{escape(workload.about)}</p><table>"
    yield f"<tr><th>server</th><th>{escape(workload.unit)}: median (range)</th>"
    yield "<th>times ours</th><th>besides</th></tr>"
    ours = next(iter(result.samples))
    for name in result.samples:
        spread = values_of(result, name)
        told = spread.text() if spread else result.failures.get(name, "nothing was measured")
        ratio = speedup(result, ours, name) if name != ours else None
        cells = (name, told, ratio.text() if ratio else "", notes_of(result, name))
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"
    series = {name: [s.value for s in samples] for name, samples in result.samples.items()}
    if any(series.values()):
        yield rounds({name: values for name, values in series.items() if values}, workload.unit)
