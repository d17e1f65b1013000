"""Tools with a call that is right: its arguments must be in the grammar."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gguf_fc.grammar import (
    Builder,
    Choice,
    Grammar,
    KeyOrder,
    Spacing,
    compile_schema,
    schema_to_grammar,
)
from schema_figures.figure import Figure, rows

_MANY = 200  # tools at once


def calls(data: Path, every: int, order: KeyOrder = "declared") -> Iterator[Figure]:
    """The cases of the Berkeley function-calling leaderboard."""
    figure = Figure("BFCL rows whose expected arguments are in the grammar", "100 %")
    figure.notes.append("closed at every depth, as in requests")
    tools: dict[str, Any] = {}
    for row in rows(data / "bfcl.jsonl.gz", every):
        offered = {
            tool["function"]["name"]: tool["function"]["parameters"] for tool in row["tools"]
        }
        tools |= offered
        if row["expected_valid"] and row["expected_calls"]:
            refused = _refused(offered, row["expected_calls"], order)
            figure.count(row["id"], "refused" if refused else None, refused or "")
    yield figure
    yield _together(list(tools.values())[:_MANY], order)


def _refused(tools: dict[str, Any], expected: list[dict[str, Any]], order: KeyOrder) -> str | None:
    for call in expected:
        schema = tools[call["name"]]
        text = json.dumps(call["arguments"], ensure_ascii=False)
        grammar = schema_to_grammar(schema, closed=True, spacing=Spacing(), key_order=order)
        if not grammar.matches(text):
            return text
    return None


def _together(schemas: list[Any], order: KeyOrder) -> Figure:
    """All of *schemas* in one grammar."""
    started = time.thread_time()
    builder = Builder()
    free = order == "any"
    nodes = tuple(
        compile_schema(schema, builder, spacing=Spacing(), closed=True, any_order=free)[0]
        for schema in schemas
    )
    text = Grammar(builder.build(Choice(nodes))).llguidance()
    seconds = time.thread_time() - started
    size = f"{seconds * 1000:.0f} ms, {len(text) // 1000} kB of grammar"
    return Figure(f"{len(schemas)} tools in one grammar", "1 s", notes=[size])
