"""The scores of schemas, on a corpus of a few rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from schema_figures.calls import calls
from schema_figures.figure import milliseconds
from schema_figures.instances import maskbench
from schema_figures.page import page
from schema_figures.texts import texts

INTEGER = {"type": "integer"}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(map(json.dumps, rows)).encode()
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)


def test_instances_are_judged_and_a_wrong_verdict_says_whether_it_was_reported(
    tmp_path: Path,
) -> None:
    tests = [{"data": 1, "valid": True}, {"data": "a", "valid": False}]
    wrong = [{"data": [1, 1], "valid": False}, {"data": 1.0, "valid": True}]
    unique = {"uniqueItems": True, "type": ["array", "integer"]}
    rows = [
        {"id": "right", "schema": INTEGER, "tests": tests},
        {"id": "wrong", "schema": unique, "tests": wrong},
        {"id": "broken", "schema": {"type": 3}, "tests": tests},
    ]
    write(tmp_path / "maskbench.jsonl.gz", rows)
    (figure,) = maskbench(tmp_path, 1)
    assert (figure.right, figure.total) == (1, 3)
    assert "wrongly accepted, reported: 2" in figure.notes  # a type that is none is absent
    assert "wrongly refused: 1" in figure.notes
    assert [miss.partition(":")[0] for miss in figure.misses] == ["wrong", "broken"]
    assert "| MaskBench schemas right on every instance | 1 of 3 (33.3%) |" in page([figure])


def test_texts_and_grammars_are_matched(tmp_path: Path) -> None:
    schema = {"name": "a", "schema": INTEGER, "must_match": ["1"], "must_not_match": ["x"]}
    grammar = {"name": "b", "grammar": 'root ::= "a"', "must_match": ["a"], "must_not_match": ["a"]}
    refused = {"name": "c", "grammar": "root ::= other", "invalid": True}
    write(tmp_path / "grammar_cases.jsonl", [schema])
    write(tmp_path / "gbnf_cases.jsonl", [grammar, refused])
    of_schemas, of_grammars = texts(tmp_path, 1)
    assert (of_schemas.right, of_schemas.total) == (1, 1)
    assert (of_grammars.right, of_grammars.total) == (1, 2)


def test_calls_are_compared_with_the_schemas_of_their_tools(tmp_path: Path) -> None:
    parameters = {"type": "object", "properties": {"n": INTEGER}}
    row = {
        "id": "one",
        "tools": [{"function": {"name": "f", "parameters": parameters}}],
        "expected_valid": True,
        "expected_calls": [{"name": "f", "arguments": {"n": 1}}],
    }
    other = {**row, "id": "two", "expected_calls": [{"name": "f", "arguments": {"m": 1}}]}
    write(tmp_path / "bfcl.jsonl.gz", [row, other])
    figure, together = calls(tmp_path, 1)
    assert (figure.right, figure.total) == (1, 2)
    assert together.name == "1 tools in one grammar"


def test_times_are_summed_up() -> None:
    assert milliseconds([0.001, 0.002, 0.003]) == "median 2 ms, p99 3 ms, longest 3 ms"
