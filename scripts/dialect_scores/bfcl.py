"""The round trip: real calls, written, constrained and read back in every native template."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dialect_scores.corpus import Corpus, Row
from dialect_scores.figure import Figure, differs
from dialect_scores.hearing import hear
from gguf_fc import Dialect
from gguf_fc.errors import GgufFcError

_PLAIN = "The weather is nice today: 21 degrees, and no rain before {Tuesday}."
_SPLITS = 3


def score(corpus: Corpus) -> Iterator[Figure]:
    """Calls there and back; and text where no call is wanted."""
    there, without = Figure("BFCL round trip", 1.0), Figure("BFCL without a call", 1.0)
    rows = corpus.sampled("bfcl.jsonl")
    for name in corpus.native:
        dialect = corpus.dialect(name)
        prefill = _prefill(dialect, rows)
        for row in rows:
            if row["expect"] == "calls" and row["expected_valid"]:
                there.count(f"{name} {row['id']}", _guarded(_round_trip, dialect, row, prefill))
            elif row["expect"] == "no_call" and row["tools"]:
                without.count(f"{name} {row['id']}", _guarded(_no_call, dialect, row, prefill))
    yield there
    yield without


def _prefill(dialect: Dialect, rows: list[Row]) -> str:
    """Prefill: the part of the model's turn that the prompt holds."""
    return next((dialect.render(row["messages"], row["tools"]).prefill for row in rows), "")


def _guarded(measure: Any, dialect: Dialect, row: Row, prefill: str) -> str | None:
    try:
        reason: str | None = measure(dialect, row, prefill)
    except GgufFcError as error:
        return f"{type(error).__name__}: {error.message}"
    return reason


def _round_trip(dialect: Dialect, row: Row, prefill: str) -> str | None:
    calls, tools = _writable(dialect, row["expected_calls"]), row["tools"]
    thought = _thought(dialect, prefill)
    text = dialect.write(reasoning=thought, tool_calls=calls, prefill=prefill, tools=tools)
    for choice in ("required", "auto"):
        if not dialect.grammar(tools, choice, parallel_tool_calls=True, prefill=prefill).matches(
            text
        ):
            return f"the {choice} grammar refuses {text!r}"
    expected = [(call["name"], call["arguments"]) for call in calls]
    for how, pieces in _pieces(text, row["id"]):
        heard = hear(dialect, pieces, tools, prefill)
        got = [(call.name, json.loads(call.arguments)) for call in heard.calls if call.complete]
        reason = differs("calls", expected, got) or differs("content", "", heard.content.strip())
        if reason:
            return f"{how}: {reason} raw {text!r}"
    return None


def _thought(dialect: Dialect, prefill: str) -> str | None:
    """Reasoning of the model where the prompt has opened it."""
    reasoning = dialect.syntax.reasoning
    opened = reasoning and prefill.rstrip().endswith(reasoning.open.strip())
    return "Let me see." if opened else None


def _writable(dialect: Dialect, calls: list[Row]) -> list[Row]:
    """Cut *calls* to as many as the syntax has room for in one turn."""
    return calls if dialect.syntax.parallel else calls[:1]


def _pieces(text: str, seed: str) -> Iterator[tuple[str, list[str]]]:
    yield "whole", [text]
    yield "by character", list(text)
    source = random.Random(seed)  # noqa: S311  nothing secret
    for n in range(_SPLITS):
        cuts = sorted(source.randrange(len(text) + 1) for _ in range(source.randint(1, 12)))
        edges = [0, *cuts, len(text)]
        pieces = [text[a:b] for a, b in pairwise(edges)]
        yield f"split {n}", pieces


def _no_call(dialect: Dialect, row: Row, prefill: str) -> str | None:
    """Text is allowed; a call of no tool, or a call cut short, is not."""
    grammar = dialect.grammar(row["tools"], "auto", prefill=prefill)
    thought = _thought(dialect, prefill)
    said = dialect.write(_PLAIN, thought, prefill=prefill)
    if not grammar.matches(said):
        return f"the auto grammar refuses {said!r}"
    name = row["tools"][0]["function"]["name"]
    call = dialect.write(None, thought, [{"name": name, "arguments": {}}], prefill=prefill)
    damaged = call.replace(name, "no_such_tool")
    if dialect.syntax.marker and grammar.matches(damaged):
        return f"the auto grammar accepts {damaged!r}"
    heard = hear(dialect, [said], row["tools"], prefill)
    return differs("calls", [], heard.calls) or differs("content", _PLAIN, heard.content.strip())
