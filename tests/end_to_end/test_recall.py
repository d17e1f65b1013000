"""The second turn of a tool conversation reads next to nothing of the first again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI

from tests.support.server import running

pytestmark = pytest.mark.live

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city, for some days, in a unit.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "days", "unit"],
        },
    },
}
USER: Any = {"role": "user", "content": "What will the weather be like in Paris for 3 days?"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    with running(tmp_path_factory.mktemp("server")) as server, server.client() as opened:
        yield opened


def backwards(arguments: str) -> str:
    """The same arguments, the last first and without a space."""
    return json.dumps(dict(reversed(json.loads(arguments).items())), separators=(",", ":"))


@pytest.mark.parametrize("write", [str, backwards], ids=["as it was", "written anew"])
@pytest.mark.parametrize("content", [None, ""])
def test_a_call_that_comes_back_costs_nothing(
    client: OpenAI, write: Callable[[str], str], content: str | None
) -> None:
    messages: list[Any] = [USER]
    first = client.chat.completions.create(
        model="demo", messages=messages, tools=[TOOL], tool_choice="required"
    )
    calls = first.choices[0].message.tool_calls
    assert calls
    call = calls[0]
    assert call.type == "function"
    again = {"name": call.function.name, "arguments": write(call.function.arguments)}
    messages += [
        {
            "role": "assistant",
            "content": content,
            "tool_calls": [{"id": call.id, "type": "function", "function": again}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    second = client.chat.completions.create(model="demo", messages=messages, tools=[TOOL])
    assert first.usage
    assert second.usage
    assert second.usage.prompt_tokens_details
    cached = second.usage.prompt_tokens_details.cached_tokens or 0
    assert cached >= first.usage.total_tokens - 4
