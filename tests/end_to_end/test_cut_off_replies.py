"""Replies that the token budget or a stop string cuts off: no part of a mark is content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.random_model import write_random_model
from tests.support.server import Server, running

pytestmark = pytest.mark.live

TEMPLATE = Path(__file__).parent / "templates" / "tagged.jinja"
TOOL = {
    "type": "function",
    "function": {
        "name": "point",
        "parameters": {
            "type": "object",
            "properties": {"x": {"enum": [1, 2]}},
            "required": ["x"],
            "additionalProperties": False,
        },
    },
}
CHOICES: dict[str, Any] = {
    "required": "required",
    "named": {"type": "function", "function": {"name": "point"}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("random")
    write_random_model(folder / "m.gguf", chat_template=TEMPLATE.read_text())
    with running(folder, str(folder / "m.gguf"), "--ctx", "2048") as started:
        yield started


def contents(server: Server, **options: Any) -> tuple[str, str, str]:
    """Content of a reply whole and streamed, and its finish reason."""
    common: Any = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "seed": 1,
        "tools": [TOOL],
        "parallel_tool_calls": False,
        **options,
    }
    with server.client() as client:
        (choice,) = client.chat.completions.create(**common).choices
        chunks = list(client.chat.completions.create(**common, stream=True))
    streamed = (part.delta.content or "" for chunk in chunks for part in chunk.choices)
    return choice.message.content or "", "".join(streamed), choice.finish_reason


@pytest.mark.parametrize("choice", CHOICES)
def test_a_token_budget_that_ends_within_a_call_shows_no_part_of_it(
    server: Server, choice: str
) -> None:
    reasons = []
    for budget in range(1, 60):
        *shown, reason = contents(server, tool_choice=CHOICES[choice], max_tokens=budget)
        assert shown == ["", ""], budget
        reasons.append(reason)
        if reason != "length":
            break
    assert reasons[-1] == "tool_calls"
    assert len(reasons) > 5  # every length of a call


@pytest.mark.parametrize("stop", ["_call", "\n", '"name', "point", "arguments", "}\n"])
def test_a_stop_string_that_ends_a_reply_within_a_call_shows_no_part_of_it(
    server: Server, stop: str
) -> None:
    *shown, reason = contents(server, tool_choice="required", stop=stop)
    assert shown == ["", ""]
    assert reason in ("stop", "tool_calls")
