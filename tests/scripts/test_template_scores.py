"""The figures: what counts as right, on rows small enough to judge by eye."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dialect_scores import reasoning, toolparse
from dialect_scores.corpus import Corpus
from dialect_scores.figure import Figure
from dialect_scores.formats import Formats
from dialect_scores.page import page
from tests.support.server import ROOT
from tests.support.templates import template_text

CALL = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
REQUEST = {"reasoning_format": "auto", "continue_final_message": "none"}


def tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"x": {"type": "integer"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def row(raw: str, *calls: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {
        "id": raw,
        "source": "llama.cpp tests",
        "template": "tagged.jinja",
        "format": None,
        "raw_output": raw,
        "prefill": "",
        "tools": [tool("f")],
        "request": REQUEST,
        "messages": [{"role": "user", "content": "hi"}],
        "expected": {"content": "", "reasoning_content": "", "tool_calls": calls},
        **fields,
    }


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Corpus:
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "tagged.jinja").write_text(template_text("tagged"))
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Corpus(folder)


def judged(folder: Path, *rows: dict[str, Any]) -> dict[str, Figure]:
    corpus = write(folder, toolparse.FILE, list(rows))
    formats = Formats.of(corpus, corpus.rows(toolparse.FILE))
    return {figure.name: figure for figure in toolparse.score(corpus, formats)}


WHOLE = {"name": "f", "arguments": '{"x":1}'}


@pytest.mark.parametrize(
    ("case", "right"),
    [
        (row(CALL, WHOLE), True),
        (row(CALL, {"name": "f", "arguments": '{"x":2}'}), False),
        (row(CALL), False),
        (row(CALL, {**WHOLE, "id": "given"}), False),
        (row(CALL[:40], {"name": "f", "arguments": '{"x'}), True),
        (row(CALL[:40], WHOLE), False),
        (row(CALL, {"name": "f", "arguments": '{"x'}), False),
    ],
    ids=["whole", "argument", "extra", "id", "cut off", "not whole", "not cut off"],
)
def test_calls_are_compared_as_json_and_cut_off_ones_as_far_as_they_go(
    tmp_path: Path, case: dict[str, Any], *, right: bool
) -> None:
    figure = judged(tmp_path, case)["toolparse, llama.cpp"]
    assert (figure.total, figure.right) == (1, int(right))


@pytest.mark.parametrize("expected", ["Hello, world", "world"])
def test_a_continued_turn_may_be_repeated_or_not(tmp_path: Path, expected: str) -> None:
    case = row(
        "world",
        request={**REQUEST, "continue_final_message": "content"},
        messages=[{"role": "assistant", "content": "Hello, "}],
        expected={"content": expected, "reasoning_content": "", "tool_calls": []},
    )
    assert judged(tmp_path, case)["toolparse, llama.cpp"].misses == []


def test_a_format_gets_the_template_that_writes_its_calls(tmp_path: Path) -> None:
    peer: dict[str, Any] = {
        "source": "vLLM tests",
        "template": None,
        "template_hint": "none",
        "tools": [],
    }
    known = row(CALL, WHOLE, **peer | {"format": "known"})
    unknown = row("@f(1)", WHOLE, **peer | {"format": "unknown"})
    mock = row(CALL, {"name": "<MagicMock>", "arguments": "{}"}, **peer | {"format": "known"})
    figure = judged(tmp_path, known, unknown, mock)["toolparse, vLLM, calls"]
    assert (figure.total, figure.right) == (1, 1)
    assert figure.notes == [
        "1 rows left out: expects a mock object",
        "1 rows left out: no template writes as unknown",
        "known is read as tagged.jinja",
        "missed: none",
    ]


def test_reasoning_may_stop_before_the_end_of_a_stream(tmp_path: Path) -> None:
    rows = [
        {
            "mode": "stream",
            "detector": "D",
            "raw_output": "<think>a<",
            "starts_in_reasoning": False,
            "start": "<think>",
            "end": "</think>",
            "expected": {"content": "", "reasoning_content": thought},
        }
        for thought in ("a", "b")
    ]
    (figure,) = reasoning.score(write(tmp_path, "reasoning.jsonl", rows))
    assert (figure.total, figure.right) == (2, 2)  # of one text both are expected


def test_a_figure_and_its_page_name_what_is_wrong_and_why() -> None:
    figure = Figure("things", 0.9)
    figure.count("good", None)
    figure.count("bad|row", "too long\nmore")
    figure.count("odd", "other", "not our way")
    assert (figure.right, figure.total, figure.met) == (1, 3, False)
    assert "    - odd: other [policy: not our way]" in list(figure.lines(listed=True))
    text = page(Corpus(Path("nowhere")), [figure])
    assert "| things | 1 | 3 | 33.3% | 90% |" in text
    assert "- `bad\\|row`: `too long`" in text
    assert "- `odd`: not our way" in text


def test_a_page_says_what_is_missing_of_a_template_that_stays_generic(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, shown in (("tagged", False), ("no_tools", True)):
        (folder / "1CatAI--template_kimi_audio.jinja").write_text(template_text(name))
        text = page(Corpus(tmp_path), [])
        assert ("## Evidence that is missing" in text) == shown
        assert ("reads the conversation from `conversations`" in text) == shown


@pytest.mark.live
def test_the_script_measures_our_own_templates() -> None:
    options = ["--data", "tests/dialect", "--only", "templates,toolparse,bfcl", "--list"]
    command = [sys.executable, "scripts/template_scores.py", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "render 20 legal histories each" in done.stdout
