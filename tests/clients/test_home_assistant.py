"""Ollama's client as Home Assistant uses it: its options, its tools, its history.

Home Assistant takes numbers from its form, which gives floats, and times with a unit; it asks for
streams alone and sends the results of tools as JSON texts.
"""

from __future__ import annotations

import json
from typing import Any

import ollama
import pytest

from tests.clients.world import Place

OPTIONS = {"num_ctx": 4096.0, "temperature": 0.0, "num_predict": 100.0}
INSTRUCTIONS = (
    "You are a voice assistant for Home Assistant.\nAnswer questions about the world truthfully.\n"
    "Answer in plain text. Keep it simple and to the point.\nCurrent time is 08:15:00."
)
SELECTOR = {"type": "array", "items": {"type": "string"}}
TURN_ON = {
    "type": "function",
    "function": {
        "name": "HassTurnOn",
        "description": "Turns on/opens/presses a device or entity.",
        "parameters": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "area": {"type": "string"},
                "domain": SELECTOR,
                "device_class": {
                    "type": "array",
                    "items": {"type": "string", "enum": ["awning", "blind", "outlet", "switch"]},
                },
            },
            "required": [],
        },
    },
}
LIVE_CONTEXT = {
    "type": "function",
    "function": {
        "name": "GetLiveContext",
        "description": "Provides real-time information about the CURRENT state of devices.",
        "parameters": {"type": "object", "properties": {}},
    },
}


@pytest.fixture
def client(root: str) -> ollama.AsyncClient:
    return ollama.AsyncClient(host=root)


async def asked(client: ollama.AsyncClient, messages: list[Any], **fields: Any) -> list[Any]:
    """The lines of a stream, as ``_async_handle_chat_log`` asks for it."""
    model = (await client.list()).models[0].model
    stream = await client.chat(
        model=model,
        messages=messages,
        stream=True,
        keep_alive="-1s",
        options=OPTIONS,
        think=False,
        **fields,
    )
    return [line async for line in stream]


async def test_a_device_is_turned_on_and_that_is_told(client: ollama.AsyncClient) -> None:
    tools = [TURN_ON, LIVE_CONTEXT]
    messages: list[Any] = [
        ollama.Message(role="system", content=INSTRUCTIONS),
        ollama.Message(role="user", content="Turn on the kitchen light", images=None),
    ]
    lines = await asked(client, messages, tools=tools)
    calls = [call for line in lines for call in line.message.tool_calls or []]
    assert [call.function.name for call in calls] == ["HassTurnOn"]
    assert lines[-1].done
    # The calls and their results go back as Home Assistant keeps them.
    messages += [
        ollama.Message(
            role="assistant",
            content="",
            thinking=None,
            tool_calls=[
                {"function": {"name": call.function.name, "arguments": call.function.arguments}}
                for call in calls
            ],
        ),
        ollama.Message(
            role="tool",
            content=json.dumps(
                {
                    "speech": {},
                    "response_type": "action_done",
                    "data": {"targets": [], "success": [{"name": "Kitchen", "type": "area"}]},
                }
            ),
        ),
    ]
    told = await asked(client, messages, tools=tools)
    assert "".join(line.message.content or "" for line in told)


async def test_a_task_with_a_structure_is_answered_in_it(client: ollama.AsyncClient) -> None:
    task = ollama.Message(role="user", content="Describe Paris.")
    lines = await asked(client, [task], format=Place.model_json_schema())
    assert Place.model_validate_json("".join(line.message.content or "" for line in lines))
