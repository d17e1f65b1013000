"""``tool_choice`` means what it says, whatever the model would rather do.

The model has random weights, so nothing but the grammar can make its calls valid.  Both engines
that can hold it to one are put to the same test; the slower one makes fewer generations.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openai.types.chat.chat_completion import ChatCompletion, Choice

from tests.support.choices import NAMED, SCHEMAS, TOOLS
from tests.support.random_model import write_random_model
from tests.support.server import ROOT, Server, running

pytestmark = pytest.mark.live

GENERATIONS = {"llguidance": 50, "llama.cpp": 4}
DATA = Path(os.environ.get("GGUF_FC_DATA", ROOT / ".." / "shared" / "data"))
TEMPLATES = Path(__file__).parent / "templates"


def vocabularies() -> list[Any]:
    real = DATA / "vocab" / "ggml-vocab-qwen2.gguf"
    skip = pytest.mark.skipif(not real.exists(), reason=f"no real vocabulary at {real}")
    return [pytest.param(None, id="small"), pytest.param(real, id="real", marks=skip)]


@pytest.fixture(scope="module", params=vocabularies())
def vocabulary(request: pytest.FixtureRequest) -> Path | None:
    return request.param  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Subject:
    """A server, and how often it is asked."""

    server: Server
    generations: int


@pytest.fixture(scope="module", params=GENERATIONS)
def constraint(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module", params=["tagged", "bare"])
def subject(
    request: pytest.FixtureRequest,
    vocabulary: Path | None,
    constraint: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Subject]:
    folder = tmp_path_factory.mktemp("random")
    template = (TEMPLATES / f"{request.param}.jinja").read_text()
    write_random_model(folder / "m.gguf", vocabulary=vocabulary, chat_template=template)
    options = ("--ctx", "8192", "--parallel", "8", "--constraint", constraint)
    with running(folder, str(folder / "m.gguf"), *options) as started:
        yield Subject(started, GENERATIONS[constraint])


def generate(subject: Subject, limit: int = 150, **options: Any) -> list[Choice]:
    """The same question with as many seeds as there are generations, of *limit* tokens at most."""
    with subject.server.client() as client, ThreadPoolExecutor(8) as threads:
        name = client.models.list().data[0].id

        def once(seed: int) -> Choice:
            completion: ChatCompletion = client.chat.completions.create(
                model=name,
                messages=[{"role": "user", "content": "hello"}],
                seed=seed,
                temperature=1,
                max_tokens=limit,
                **options,
            )
            return completion.choices[0]

        return list(threads.map(once, range(subject.generations)))


def calls(choice: Choice) -> list[tuple[str, Any]]:
    """The calls of a reply, each of which must be valid."""
    found = []
    for call in choice.message.tool_calls or []:
        assert call.type == "function"
        arguments = json.loads(call.function.arguments)
        jsonschema_rs.validate(SCHEMAS[call.function.name], arguments)
        found.append((call.function.name, arguments))
    if choice.finish_reason == "tool_calls":
        assert found
    return found


def test_none_never_calls(subject: Subject) -> None:
    for choice in generate(subject, 40, tools=TOOLS, tool_choice="none"):
        assert choice.finish_reason in ("stop", "length")
        assert calls(choice) == []


def test_auto_makes_only_valid_calls(subject: Subject) -> None:
    for choice in generate(subject, 40, tools=TOOLS, tool_choice="auto"):
        calls(choice)


def test_required_always_calls(subject: Subject) -> None:
    choices = generate(subject, tools=TOOLS, tool_choice="required")
    for choice in choices:
        assert choice.finish_reason in ("tool_calls", "length")
        if choice.finish_reason == "tool_calls":
            assert calls(choice)
            assert choice.message.content is None
    assert any(choice.finish_reason == "tool_calls" for choice in choices)


def test_a_named_tool_is_called_exactly_once(subject: Subject) -> None:
    choices = generate(subject, tools=TOOLS, tool_choice=NAMED)
    for choice in choices:
        assert choice.finish_reason in ("tool_calls", "length")
        once = ["set_alarm"] if choice.finish_reason == "tool_calls" else []
        assert [name for name, _ in calls(choice)] == once
    assert any(calls(choice) for choice in choices)


def test_without_parallel_calls_there_is_at_most_one(subject: Subject) -> None:
    choices = generate(subject, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    assert {len(calls(choice)) for choice in choices} <= {0, 1}
    assert (
        sum(choice.finish_reason == "tool_calls" for choice in choices) > subject.generations // 2
    )


def test_no_call_is_made_twice_unless_parallel_calls_are_asked_for(subject: Subject) -> None:
    """``ping`` takes no arguments, so every call of it repeats the first."""
    ping = [tool for tool in TOOLS if tool["function"]["name"] == "ping"]
    choices = generate(subject, tools=ping, tool_choice="required")
    assert {(len(calls(choice)), choice.finish_reason) for choice in choices} == {(1, "tool_calls")}


def test_only_allowed_tools_are_called(subject: Subject) -> None:
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "ping"}}]}
    choices = generate(
        subject, tools=TOOLS, tool_choice={"type": "allowed_tools", "allowed_tools": allowed}
    )
    for choice in choices:
        assert {name for name, _ in calls(choice)} <= {"ping"}
    assert any(calls(choice) for choice in choices)


def test_a_cut_off_call_is_never_reported(subject: Subject) -> None:
    with subject.server.client() as client:
        name = client.models.list().data[0].id
        for limit in range(1, 20):
            choice = client.chat.completions.create(
                model=name,
                messages=[{"role": "user", "content": "hello"}],
                tools=TOOLS,
                tool_choice="required",
                max_tokens=limit,
                seed=limit,
            ).choices[0]
            calls(choice)
            assert choice.finish_reason in ("tool_calls", "length")
