"""Cases of what models of real templates write, read back and held: one a form.

A row gives a template, what the prompt already holds, the reply, and how the reply must be read.
A row is right if the reply is read so whole and byte by byte, and is in the grammar of ``auto``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from dialect_scores.corpus import Corpus, Row
from dialect_scores.figure import Figure, differs
from dialect_scores.hearing import as_tool, hear

FILE = "syntax_cases.jsonl"


def score(corpus: Corpus) -> Iterator[Figure]:
    """One figure for all rows."""
    figure = Figure("syntax cases, read and in the grammar", 1.0)
    for n, row in enumerate(corpus.rows(FILE)):
        figure.count(f"{n} {row['template']}", _fault(corpus, row))
    yield figure


def _fault(corpus: Corpus, row: Row) -> str | None:
    """Reason why a row is not right, if it is not."""
    dialect, text, prefill = corpus.dialect(row["template"]), row["text"], row["prefill"]
    tools = [_tool(call) for call in row["calls"]] or [_tool({"name": "f", "arguments": {}})]
    for way, pieces in (("whole", [text]), ("by character", list(text))):
        heard = hear(dialect, pieces, tools, prefill)
        got = [(call.name, json.loads(call.arguments)) for call in heard.calls if call.complete]
        wanted = [(call["name"], call["arguments"]) for call in row["calls"]]
        fault = (
            differs(f"{way}: calls", wanted, got)
            or differs(f"{way}: reasoning", row["reasoning"] or "", heard.reasoning.strip())
            or differs(f"{way}: content", row["content"], heard.content.strip())
        )
        if fault:
            return f"{fault} ({dialect.label})"
    offered = [as_tool(tool) for tool in tools]
    grammar = dialect.grammar(offered, "auto", parallel_tool_calls=True, prefill=prefill)
    if not grammar.matches(text):
        return f"not in the grammar: {text!r} ({dialect.label})"
    return None


def _tool(call: dict[str, Any]) -> dict[str, Any]:
    """A tool that takes the arguments of *call*, which are strings."""
    properties = {name: {"type": "string"} for name in call["arguments"]}
    schema = {"type": "object", "properties": properties, "required": [*properties]}
    return {"type": "function", "function": {"name": call["name"], "parameters": schema}}
