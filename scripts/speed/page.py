"""``docs/performance.md``: the table for each number of threads, the commands, what falls short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gguf_fc.bench.ratios import notes_of, values_of
from gguf_fc.bench.rounds import Result
from speed.rows import OURS, Row

CAUSES = re.compile(r"<!-- causes -->\n(.*?)<!-- end -->", re.DOTALL)

HEAD = """\
# Performance

Written by `scripts/performance.py`; all but the part between the marks is made anew each time.

The same llama.cpp runs in every server here, with the same weights and threads; what differs is
what is asked of it. Every row is one interleaved run: a round of one server, a round of the other,
in another order each time. A figure is the median of the rounds' ratios, with their range; above
1, ours is faster. What each workload does is said in [bench.md](bench.md).

The *ballast* model says what the demo model says, at the cost of a 0.5B model
(`scripts/make_bench_model.py`); the *random* one has the shape of a 0.5B model, random weights and
a real vocabulary of 152,000 tokens. Replies are not always equally long: another server may write
more spaces or a second call, so the tokens of both are shown. On random weights llama-server talks
where a call is required, so the form of the call is asked for as an answer there.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row with its result, and when and how busy the machine was."""

    row: Row
    result: Result
    when: str
    load: float  # processes that wanted to run, as the row began


def causes_of(page: str) -> str:
    """Part of *page* that a person wrote, on what falls short."""
    found = CAUSES.search(page)
    return found[1] if found else ""


def page(measured: Mapping[int, Sequence[Measured]], about: Mapping[str, str], causes: str) -> str:
    """The page; *measured* by number of threads."""
    return "\n".join(_lines(measured, about, causes))


def _lines(
    measured: Mapping[int, Sequence[Measured]], about: Mapping[str, str], causes: str
) -> Iterator[str]:
    yield HEAD
    yield "| | |\n|---|---|"
    for key, value in about.items():
        yield f"| {key} | {value} |"
    for threads, rows in measured.items():
        yield f"\n## {threads} thread{'s' if threads > 1 else ''}\n"
        yield from _table(rows)
    yield "\n## What falls short\n"
    short = [f"- {line}" for threads, rows in measured.items() for line in _short(threads, rows)]
    yield "\n".join(short) or "Nothing."
    yield f"\n<!-- causes -->\n{causes}<!-- end -->"


def _table(rows: Sequence[Measured]) -> Iterator[str]:
    yield "| row | target | median (range) | ours | theirs | load |"
    yield "|---|---|---|---|---|---|"
    for found in rows:
        row, result = found.row, found.result
        spread = row.spread(result)
        figure = spread.text() if spread else f"not measured: {_reason(row, result)}"
        mark = f"**{figure}**" if spread and not row.reached(spread) else figure
        theirs = "" if row.against == "itself" else _told(result, row.against)
        yield (
            f"| {row.about} | {_target(row)} | {mark} | {_told(result, OURS)} | {theirs} "
            f"| {found.load:.1f} |"
        )


def _target(row: Row) -> str:
    return f"{'<=' if row.at_most else '>='} {row.target:g}"


def _told(result: Result, name: str) -> str:
    spread = values_of(result, name)
    if spread is None:
        return ""
    notes = notes_of(result, name)
    return f"{spread.text()} {result.workload.unit}" + (f"; {notes}" if notes else "")


def _reason(row: Row, result: Result) -> str:
    failures = (result.failures.get(name, "") for name in (OURS, row.against))
    return "; ".join(filter(None, failures)).replace("|", "/") or "no samples"


def _short(threads: int, rows: Sequence[Measured]) -> Iterator[str]:
    for found in rows:
        spread = found.row.spread(found.result)
        if spread is None:
            yield f"{found.row.about}, {threads} threads: {_reason(found.row, found.result)}"
        elif not found.row.reached(spread):
            wanted = _target(found.row)
            yield f"{found.row.about}, {threads} threads: {spread.text()}, wanted {wanted}"
