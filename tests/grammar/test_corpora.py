"""Real schemas: nothing is let through silently, and most instances are judged rightly."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import schema_to_grammar
from tests.support.models import DATA

EVERY = 25  # a sample; scripts/schema_scores.py takes all


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    path = DATA / "schemas" / "maskbench.jsonl.gz"
    if not path.exists():
        pytest.skip("no schemas; set GGUF_FC_DATA")
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for at, line in enumerate(lines) if at % EVERY == 0]


def test_real_schemas_are_judged_rightly_or_say_why_not(rows: list[dict[str, Any]]) -> None:
    right = 0
    silent: list[str] = []
    for row in rows:
        grammar = schema_to_grammar(row["schema"])
        verdicts = [(test["valid"], _matches(grammar, test["data"])) for test in row["tests"]]
        right += all(valid == found for valid, found in verdicts)
        if (False, True) in verdicts and not grammar.report:
            silent.append(row["id"])
    assert silent == []
    assert right / len(rows) > 0.9


def _matches(grammar: Any, value: Any) -> bool:
    try:
        return bool(grammar.matches(json.dumps(value, ensure_ascii=False)))
    except GrammarError:
        return False
