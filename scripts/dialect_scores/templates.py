"""Templates: how many are understood, how fast, and whether they render whatever is legal."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from typing import Any

from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure
from gguf_fc import Dialect
from gguf_fc.errors import GgufFcError

_HISTORIES = 20
_REASONS = ("fallback", "check", "known", "instructions")  # the findings that say why
_TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": "A tool.",
            "parameters": {"type": "object", "properties": {"x": {"type": "string"}}},
        },
    }
    for name in ("first_tool", "second_tool")
]


def score(corpus: Corpus) -> Iterator[Figure]:
    """Derived, rendered and timed."""
    yield from _derived(corpus)
    yield _rendered(corpus)
    yield from _timed(corpus)


def _derived(corpus: Corpus) -> Iterator[Figure]:
    """Native syntax among the templates with a call syntax of their own; the others have none.

    What the rows say of reasoning and of the end of a turn must have been found as well.
    """
    figure = Figure("native syntax, of the templates with calls of their own", 0.95)
    others = Figure("generic syntax, of the templates without", 1.0)
    shows = {_file_of(row): row["calls_rendered"] for row in corpus.rows("templates.jsonl")}
    rows = {str(row["name"]): row for row in corpus.rows("templates-2.jsonl")}
    for name in corpus.templates:
        dialect = corpus.dialect(name)
        if name in rows and rows[name]["call_syntax"] is None:
            others.count(name, dialect.label if dialect.native else None)
        elif shows.get(name, True):
            fault = None if dialect.native else reason_of(dialect)
            figure.count(name, fault or _marks_fault(dialect, rows.get(name, {})))
        else:
            state = "native" if dialect.native else "generic"
            figure.notes.append(f"{name} drops calls: {state}; {reason_of(dialect)}")
    yield figure
    yield others


def _marks_fault(dialect: Dialect, row: dict[str, Any]) -> str | None:
    """Difference between the marks a row names, of reasoning and the end, and those found.

    No reasoning is no claim: a vocabulary may have marks that its template never shows.
    """
    syntax, reasoning, end = dialect.syntax, row.get("reasoning"), row.get("end")
    marks = syntax.reasoning
    if reasoning not in (None, "none"):
        found = f"{marks.open!r} … {marks.close!r}" if marks else "none"
        if found != reasoning:
            return f"reasoning: expected {reasoning}, got {found}"
    if end is not None and (got := repr(syntax.end).replace("|", "\\|")) != end:
        return f"end: expected {end}, got {got}"
    return None


def _file_of(row: dict[str, Any]) -> str:
    prefix = "vllm-" if row["set"] == "vllm" else ""
    return prefix + str(row["name"])


def reason_of(dialect: Dialect) -> str:
    """Reason why a dialect is not native, or how it was found."""
    reasons = [item.evidence for item in dialect.evidence if item.name in _REASONS]
    return "; ".join((*reasons, *dialect.warnings)) or "no reason given"


def _rendered(corpus: Corpus) -> Figure:
    figure = Figure(f"render {_HISTORIES} legal histories each", 1.0)
    for name in corpus.templates:
        failures = (_failure(corpus.dialect(name), seed) for seed in range(_HISTORIES))
        figure.count(name, next(filter(None, failures), None))
    return figure


def _failure(dialect: Dialect, seed: int) -> str | None:
    history = list(_history(random.Random(seed)))  # noqa: S311  nothing secret
    try:
        text = dialect.render(history, _TOOLS if seed % 2 else []).text
    except GgufFcError as error:
        return f"history {seed}: {error.message}"
    lost = [word for word in _words(history) if word not in text]
    return f"history {seed}: {lost} is not in the prompt" if lost else None


def _history(source: random.Random) -> Iterator[dict[str, Any]]:
    """A conversation as a client may send it: roles in any order that makes sense."""
    if source.choice((True, False)):
        yield {"role": source.choice(["system", "developer"]), "content": "Word-of-system."}
    for turn in range(source.randint(1, 3)):
        yield {"role": "user", "content": f"Word-of-user-{turn}."}
        if source.choice((True, False)):
            yield from _calling(source, turn)
        if source.choice((True, False)):
            yield {"role": "assistant", "content": f"Answer {turn}."}
    yield {"role": "user", "content": "Word-of-user-last."}


def _calling(source: random.Random, turn: int) -> Iterator[dict[str, Any]]:
    count = source.randint(1, 2)
    ids = [f"call_{turn}_{n}" for n in range(count)]
    calls = [
        {
            "id": id_,
            "type": "function",
            "function": {"name": "first_tool", "arguments": source.choice(['{"x": "y"}', "{}"])},
        }
        for id_ in ids
    ]
    yield {"role": "assistant", "content": source.choice([None, "", "So."]), "tool_calls": calls}
    for id_ in source.sample(ids, count):
        yield {"role": "tool", "tool_call_id": id_, "content": f"Result of {id_}."}


def _words(history: list[dict[str, Any]]) -> list[str]:
    """Words of the user, which must be in every prompt."""
    return [message["content"] for message in history if message["role"] == "user"]


def _timed(corpus: Corpus) -> Iterator[Figure]:
    analysed = {name: corpus.analysed(name) for name in corpus.templates}
    first = {name: cost.seconds for name, cost in analysed.items()}
    kept = {name: cost.kept_seconds for name, cost in analysed.items()}
    yield _within("analysis under 300 ms", 0.3, first)
    yield _within("analysis from a file under 1 ms", 0.001, kept)


def _within(name: str, limit: float, costs: dict[str, float]) -> Figure:
    figure = Figure(name, 1.0)
    for template, cost in costs.items():
        figure.count(template, f"{cost * 1000:.1f} ms" if cost >= limit else None)
    median, slowest = statistics.median(costs.values()), max(costs.values())
    figure.notes.append(f"median {median * 1000:.2f} ms, slowest {slowest * 1000:.2f} ms")
    return figure
