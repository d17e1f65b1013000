"""Generation prompts: the end of the prompt that belongs to the model's turn."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialect_scores.corpus import Corpus, Row
from dialect_scores.figure import Figure, short
from gguf_fc.errors import GgufFcError

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def score(corpus: Corpus) -> Iterator[Figure]:
    """Score the ends of prompts; where all of a prompt is as expected, that is noted."""
    figure, same = Figure("generation prompts", 1.0), 0
    for n, row in enumerate(corpus.rows("generation_prompts.jsonl")):
        try:
            text = _rendered(corpus, row)
        except GgufFcError as error:
            figure.count(f"{n} {row['template']}", error.message)
            continue
        expected = row["expected_generation_prompt"]
        tail = text[-len(expected) - 20 :]
        wrong = None if text.endswith(expected) else f"expected {short(expected)} got {short(tail)}"
        figure.count(f"{n} {row['template']}", wrong)
        same += _DATE.sub("", text) == _DATE.sub("", row["prompt"])
    figure.notes.append(f"{same} prompts are wholly the same, apart from dates")
    yield figure


def _rendered(corpus: Corpus, row: Row) -> str:
    dialect, request = corpus.dialect(row["template"]), row["request"]
    variables = dialect.thinking_variables(request["enable_thinking"])
    return dialect.render(row["messages"], **variables).text
