"""Histories as Ollama's clients send them: read, or set aside and named."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.ollama.request import chat_request
from gguf_fc.protocols.ollama.schema import OLLAMA_CHAT
from gguf_fc.request import Message, ToolCall

GO_ON = {"role": "user", "content": "go on"}
NOTE = "[image left out: this model reads only text]"


def read(*messages: Any) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    body, ignored = OLLAMA_CHAT.parse(orjson.dumps({"model": "demo", "messages": messages}))
    return chat_request(body, "demo", Sampling()).messages, ignored


def past(message: Any) -> tuple[Message, tuple[str, ...]]:
    """*message* in a turn that is over."""
    found, ignored = read(message, {"role": "assistant", "content": "so"}, GO_ON)
    assert [one.content for one in found[1:]] == ["so", "go on"]
    return found[0], ignored


@pytest.mark.parametrize("role", ["user", "tool"])
def test_pictures_of_turns_that_are_over_become_notes(role: Any) -> None:
    message, ignored = past({"role": role, "content": "see", "images": ["aGk=", "aGk="]})
    assert message == Message(role=role, content=f"see\n{NOTE}\n{NOTE}")
    assert ignored == ("messages[0].images",)
    assert past({"role": role, "images": ["aGk="]})[0].content == NOTE


def test_a_picture_that_is_asked_about_is_refused() -> None:
    for images in (["aGk="], [{"data": "aGk="}]):
        with pytest.raises(InvalidParameter) as caught:
            read({**GO_ON, "images": images})
        assert str(caught.value.param).startswith("messages[0].images")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"role": "developer", "content": "x"}, Message(role="system", content="x")),
        (
            {"role": "function", "name": "f", "content": {"a": 1}},
            Message(role="tool", name="f", content='{"a": 1}'),
        ),
        ({"role": "human", "content": [{"text": "x"}, "y"]}, Message(role="user", content="x\ny")),
        (
            {"role": "tool", "name": "f", "content": [{"a": 1}]},
            Message(role="tool", name="f", content='[{"a": 1}]'),
        ),
        (
            {"role": "model", "content": "x", "reasoning": {"text": "hm"}},
            Message(role="assistant", content="x", reasoning_content="hm"),
        ),
        (
            {"role": "assistant", "content": None, "function_call": {"name": "f", "args": {}}},
            Message(role="assistant", tool_calls=(ToolCall(None, "f", "{}"),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": 3, "name": "f", "arguments": {"x": 1}}]},
            Message(role="assistant", tool_calls=(ToolCall("3", "f", '{"x":1}'),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "index": "0"}}]},
            Message(role="assistant", tool_calls=(ToolCall(None, "f", "{}"),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom", "name": "sh", "input": "ls"}]},
            Message(role="assistant", tool_calls=(ToolCall(None, "sh", '{"input":"ls"}'),)),
        ),
    ],
)
def test_other_protocols_messages_are_read(sent: Any, meant: Message) -> None:
    assert past(sent)[0] == meant
