"""Streams: the same as the whole, and as cheap per character however long they are."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator

from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure, differs
from dialect_scores.formats import Formats
from dialect_scores.hearing import Heard, hear
from dialect_scores.toolparse import Case, cases
from gguf_fc import Dialect

_SHORT, _LONG, _PIECE = 1_000, 100_000, 4
_SLOWER = 2.0  # per character: twice is noise, not a curve
_REPEATS = 3
_TOOL = {
    "type": "function",
    "function": {
        "name": "write_file",
        "parameters": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "lines": {"type": "array", "items": {"type": "integer"}},
                "at": {"type": "object", "properties": {"path": {"type": "string"}}},
            },
        },
    },
}
_CALL = {
    "name": "write_file",
    "arguments": {"text": "Some <b>words</b>.", "lines": [1, 20], "at": {"path": "a/b"}},
}


def score_splits(corpus: Corpus, formats: Formats) -> Iterator[Figure]:
    """Score rows that must read the same whole, by character and in random pieces."""
    figure = Figure("streams equal non-streams", 1.0)
    for case in cases(corpus, formats):
        figure.count(case.id, _split_differently(case))
    yield figure


def _split_differently(case: Case) -> str | None:
    whole = _heard(case, [case.text])
    for how, pieces in _ways(case):
        if reason := differs(how, whole, _heard(case, pieces)):
            return f"{reason} raw {case.text!r}"
    return None


def _heard(case: Case, pieces: list[str]) -> Heard:
    return hear(case.dialect, pieces, case.tools, case.prefill, inline=case.inline)


def _ways(case: Case) -> Iterator[tuple[str, list[str]]]:
    text = case.text
    yield "by character", list(text)
    if case.row.get("chunks") and "".join(case.row["chunks"]) == text:
        yield "as recorded", case.row["chunks"]
    source = random.Random(case.id)  # noqa: S311  nothing secret
    for n in range(3):
        size = source.randint(2, 9)
        yield f"split {n}", [text[at : at + size] for at in range(0, len(text), size)]


def score_cut_off(corpus: Corpus) -> Iterator[Figure]:
    """Score calls cut off at every place: none may be taken for a whole one."""
    figure = Figure("a call cut off anywhere is not complete", 1.0)
    for name in corpus.native:
        dialect = corpus.dialect(name)
        text = dialect.write(tool_calls=[_CALL])
        for end in range(len(text)):
            calls = hear(dialect, [text[:end]], [_TOOL]).calls
            got = [json.loads(call.arguments) for call in calls if call.complete]
            wrong = differs("arguments", [_CALL["arguments"]][: len(got)], got)
            figure.count(f"{name} {end}", wrong and f"{wrong} raw {text[:end]!r}")
    yield figure


def score_linear(corpus: Corpus) -> Iterator[Figure]:
    """The cost of a character in a long output against that in a short one."""
    figure, worst = Figure(f"{_LONG // 1000} KB cost the same per character as 1 KB", 1.0), 0.0
    for name in corpus.native[:: corpus.every]:
        dialect = corpus.dialect(name)
        for what, text_of in _texts(dialect):
            ratio = _cost(dialect, text_of(_LONG)) / _cost(dialect, text_of(_SHORT))
            worst = max(worst, ratio)
            figure.count(f"{name} {what}", f"{ratio:.1f} times" if ratio > _SLOWER else None)
    figure.notes.append(f"at worst {worst:.2f} times")
    yield figure


def _texts(dialect: Dialect) -> Iterator[tuple[str, Callable[[int], str]]]:
    def filler(size: int) -> str:
        return ('Some <b>words</b> of text, {not} "a" [call].\n' * (size // 40 + 1))[:size]

    def call(size: int) -> str:
        return dialect.write(
            tool_calls=[{"name": "write_file", "arguments": {"text": filler(size)}}]
        )

    yield "content", lambda size: dialect.write(filler(size))
    if dialect.syntax.reasoning:
        yield "reasoning", lambda size: dialect.write("So.", filler(size))
    yield "arguments", call


def _cost(dialect: Dialect, text: str) -> float:
    """Seconds per character, the best of several."""
    pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]
    many = max(1, _LONG // 10 // len(text))
    return min(_seconds(dialect, pieces, many) for _ in range(_REPEATS)) / (len(text) * many)


def _seconds(dialect: Dialect, pieces: list[str], many: int) -> float:
    seconds = 0.0
    for _ in range(many):
        parser = dialect.parser(tools=[_TOOL])
        start = time.perf_counter()
        for piece in pieces:
            parser.feed(piece)
        parser.finish()
        seconds += time.perf_counter() - start
    return seconds
