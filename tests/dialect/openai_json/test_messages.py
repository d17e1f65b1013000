"""Conversations in the words of every generation of the protocol."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gguf_fc.dialect.openai_json.messages import messages_of
from gguf_fc.dialect.openai_json.types import ChatMessage
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Message, ToolCall


def read(*messages: dict[str, Any]) -> tuple[Message, ...]:
    return messages_of(msgspec.convert(list(messages), list[ChatMessage]))


def refused(*messages: dict[str, Any]) -> str | None:
    with pytest.raises(InvalidParameter) as caught:
        read(*messages)
    return caught.value.param


@pytest.mark.parametrize("role", ["tool", "function", "observation"])
def test_a_result_is_a_result_in_any_generation_s_words(role: str) -> None:
    result = {"role": role, "name": "f", "content": "299.5"}
    assert read(result) == (Message(role="tool", name="f", content="299.5"),)
    assert read({"role": role, "name": "f"}) == (Message(role="tool", name="f"),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"a": "é"}, '{"a": "é"}'),
        (5, "5"),
        (0.5, "0.5"),
        (False, "false"),
        ([], None),
        (None, None),
    ],
)
def test_a_result_that_is_no_text_is_its_json(content: Any, text: str | None) -> None:
    assert read({"role": "tool", "content": content})[0].content == text
    if isinstance(content, dict | int | float):
        assert refused({"role": "user", "content": content}) == "messages[0].content"


def test_what_is_null_in_a_past_call_is_absent() -> None:
    call = {"id": None, "type": None, "function": {"name": None, "arguments": None}}
    (message,) = read({"role": "assistant", "tool_calls": [call]})
    assert message.tool_calls == (ToolCall(None, "", "{}"),)
    custom = {"type": "custom", "custom": {"name": "shell", "input": None}}
    (message,) = read({"role": "assistant", "tool_calls": [custom]})
    assert message.tool_calls == (ToolCall(None, "shell", '{"input":""}'),)


@pytest.mark.parametrize("kind", ["text", "input_text", "output_text"])
def test_a_text_is_a_text_by_any_protocol_s_name(kind: str) -> None:
    assert read({"role": "user", "content": [{"type": kind, "text": "x"}]})[0].content == "x"
    assert refused({"role": "user", "content": [{"type": kind}]}) == "messages[0].content[0].text"


def test_a_legacy_call_is_a_call_without_an_id() -> None:
    called = {"name": "f", "arguments": '{"x": 1,}'}
    (message,) = read({"role": "assistant", "content": None, "function_call": called})
    assert message.tool_calls == (ToolCall(None, "f", '{"x":1}'),)


def test_a_custom_call_is_a_call_with_one_argument() -> None:
    call = {"id": "1", "type": "custom", "custom": {"name": "shell", "input": 'ls "ä"'}}
    (message,) = read({"role": "assistant", "tool_calls": [call]})
    assert message.tool_calls == (ToolCall("1", "shell", '{"input":"ls \\"ä\\""}'),)


def test_a_refusal_is_what_was_said() -> None:
    part = {"type": "refusal", "refusal": "no"}
    assert read({"role": "assistant", "content": [part]})[0].content == "no"
    assert read({"role": "assistant", "content": None, "refusal": "no"})[0].content == "no"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "function_call": {"name": "f"}}, "messages[0].function_call"),
        ({"role": "user", "tool_calls": [{}]}, "messages[0].tool_calls"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[0].tool_calls[0].function"),
        (
            {"role": "assistant", "tool_calls": [{"type": "custom"}]},
            "messages[0].tool_calls[0].custom",
        ),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": [{"type": "file"}]}, "messages[0].content[0].type"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_path(message: dict[str, Any], param: str) -> None:
    assert refused(message) == param
