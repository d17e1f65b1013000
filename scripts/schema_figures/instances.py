"""Schemas with instances that are valid or not: what a grammar says of each.

A schema is right when every instance is judged rightly.  An instance is written as ``json.dumps``
writes it, its members in the order in which they stand in the corpus.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar, KeyOrder, schema_to_grammar
from schema_figures.figure import Figure, milliseconds, rows

_DRAFT7 = "http://json-schema.org/draft-07/schema#"
_SILENT = "wrongly accepted, not reported"
_REPORTED = "wrongly accepted, reported"
_REFUSED = "wrongly refused"


def maskbench(schemas: Path, every: int, order: KeyOrder = "declared") -> Iterator[Figure]:
    """Real schemas."""
    figure = Figure("MaskBench schemas right on every instance", "86 %")
    _judge(figure, rows(schemas / "maskbench.jsonl.gz", every), order)
    yield figure


def suites(schemas: Path, every: int, order: KeyOrder = "declared") -> Iterator[Figure]:
    """The groups of the JSON-Schema-Test-Suite that every implementation has to pass."""
    for draft, wanted in (("2020-12", "60 %"), ("7", "")):
        figure = Figure(f"JSON-Schema-Test-Suite, draft {draft}, required groups", wanted)
        found = rows(schemas / f"suite.draft{draft}.jsonl", every)
        _judge(figure, (_with_draft(row, draft) for row in found if not row["optional"]), order)
        yield figure


def _with_draft(row: dict[str, Any], draft: str) -> dict[str, Any]:
    """The suite says by its folders which draft is meant; schemas say it by a keyword."""
    schema = row["schema"]
    if draft != "7" or not isinstance(schema, dict):
        return row
    return {**row, "schema": {"$schema": _DRAFT7, **schema}}


def _judge(figure: Figure, found: Iterable[dict[str, Any]], order: KeyOrder) -> None:
    wrong: Counter[str] = Counter({_SILENT: 0, _REPORTED: 0, _REFUSED: 0})
    compiling: list[float] = []
    printing: list[float] = []
    for row in found:
        started = time.thread_time()
        try:
            grammar = schema_to_grammar(row["schema"], key_order=order)
            compiled = time.thread_time()
            grammar.llguidance()
        except GrammarError as error:
            valid = sum(test["valid"] for test in row["tests"])
            figure.count(row["id"], f"error: {error}" if valid else None)
            continue
        compiling.append(compiled - started)
        printing.append(time.thread_time() - compiled)
        verdicts = list(_verdicts(grammar, row["tests"]))
        wrong.update({verdict for verdict, _ in verdicts})
        lost = sorted({entry.keyword for entry in grammar.report})
        reason = ", ".join(sorted({verdict for verdict, _ in verdicts}))
        detail = "; ".join(f"{verdict} {text}" for verdict, text in verdicts)
        said = f" (report: {', '.join(lost)})" if lost else ""
        figure.count(row["id"], f"{reason}{said}" if verdicts else None, detail)
    figure.notes += [f"{kind}: {count}" for kind, count in wrong.items()]
    figure.notes.append(f"schema to rules: {milliseconds(compiling)}")
    figure.notes.append(f"rules to text: {milliseconds(printing)}")


def _verdicts(grammar: Grammar, tests: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The wrong ones, each with the instance."""
    for test in tests:
        text = json.dumps(test["data"], ensure_ascii=False)
        accepted = grammar.matches(text)
        if accepted and not test["valid"]:
            yield _REPORTED if grammar.report else _SILENT, text[:60]
        if test["valid"] and not accepted:
            yield _REFUSED, text[:60]
