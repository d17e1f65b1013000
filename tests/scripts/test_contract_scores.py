"""Judges of contract cases: what counts as right, on cases small enough to judge by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract_scores import judged
from dialect_scores.corpus import Corpus
from tests.support.families import function
from tests.support.templates import template_text

NAME = "tagged.jinja"
INTEGER = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
TOOLS = [function("f", INTEGER)]
CALL = '<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'
RESULTS = [
    {"role": "user", "content": "rates?"},
    {
        "role": "assistant",
        "tool_calls": [
            {"id": id_, "type": "function", "function": {"name": "f", "arguments": '{"x": 7}'}}
            for id_ in "ab"
        ],
    },
    {"role": "tool", "tool_call_id": "b", "content": "0.97"},
    {"role": "tool", "tool_call_id": "a", "content": "1.09"},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / NAME).write_text(template_text("tagged"))
    return Corpus(tmp_path)


def fault(corpus: Corpus, **fields: Any) -> str:
    """What is wrong with a case of these *fields*; "" if nothing is."""
    case = {"template": NAME, "tools": TOOLS, **fields}
    figure = judged([("case", case)], corpus)
    assert figure.total == 1
    return "; ".join(miss.reason for miss in figure.misses)


RIGHT: list[dict[str, Any]] = [
    {"model_output": CALL, "tool_choice": "required"},
    {"model_output": CALL.replace("1", '"1"'), "tool_choice": "required"},  # the grammar refuses it
    {"model_output": "Hello.", "tool_choice": "auto"},
    {
        "model_output": f"Hello.\n{CALL}",
        "content": "Hello.",
        "calls": [_call := {"name": "f", "arguments": {"x": 1}}],
    },
    {"must_refuse": [{}, {"x": "1"}]},
    {"messages": RESULTS},
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"model_output": CALL}, "calls: expected [] got"),
    ({"model_output": "Hello.", "calls": [_call]}, "calls: expected"),
    ({"model_output": CALL.replace("1", "[")}, "not in the grammar of auto"),
    ({"must_refuse": [{"x": 2}]}, 'accepted: {"x": 2}'),
    ({"must_refuse": [], "must_accept": [{"x": "a"}]}, "refused"),
    ({"messages": [{"role": "user", "content": "\ufdd0"}]}, "the prompt lacks"),
    ({"other": 1}, "of no shape that is known"),
]


@pytest.mark.parametrize("case", RIGHT)
def test_a_case_is_right(corpus: Corpus, case: dict[str, Any]) -> None:
    assert fault(corpus, **case) == ""


@pytest.mark.parametrize(("case", "reason"), WRONG)
def test_a_case_is_not_right_and_it_is_said_why(
    corpus: Corpus, case: dict[str, Any], reason: str
) -> None:
    assert reason in fault(corpus, **case)


def test_other_templates_are_named_without_their_ending(corpus: Corpus) -> None:
    case = {"template": "absent.jinja", "also_templates": ["tag (held out)"], "must_refuse": [{}]}
    figure = judged([("case", {**case, "tools": TOOLS})], corpus)
    assert (figure.total, figure.right) == (1, 1)


def test_a_request_is_answered_by_a_server() -> None:
    body = {"model": "demo", "max_tokens": 2, "messages": [{"role": "user", "content": "\ud83d"}]}
    cases = [
        ("right", {"POST": "/v1/chat/completions", "body": body}),
        ("wrong", {"POST": "/v1/nothing", "body": {}}),
    ]
    assert [miss.row for miss in judged(cases, Corpus(Path("absent"))).misses] == ["wrong"]
