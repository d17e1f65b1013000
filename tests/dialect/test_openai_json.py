"""Messages and tools as clients write them."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.openai_json import choice_of, format_of, messages_of, tools_of
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Format, Message, Tool, ToolCall, ToolChoice


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"role": "user", "content": "Hi"}, Message(role="user", content="Hi")),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}, "c"]},
            Message(role="user", content="a\nb\nc"),
        ),
        ({"role": "user", "content": []}, Message(role="user", content="")),
        (
            {"role": "assistant", "content": None, "refusal": "No."},
            Message(role="assistant", content="No."),
        ),
        (
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            Message(role="assistant", content="No."),
        ),
        (
            {"role": "assistant", "content": "Yes", "reasoning": "Hm."},
            Message(role="assistant", content="Yes", reasoning_content="Hm."),
        ),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            Message(role="assistant", tool_calls=(ToolCall(None, "f", "{}"),)),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]},
            Message(role="assistant", tool_calls=(ToolCall("a", "f", "{}"),)),
        ),
        (
            {"role": "function", "name": "f", "content": "r"},
            Message(role="tool", name="f", content="r"),
        ),
    ],
)
def test_every_form_of_a_message_is_read(given: dict[str, Any], message: Message) -> None:
    assert messages_of([given]) == (message,)
    assert messages_of([message]) == (message,)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("Hi", ""),
        ({"content": "Hi"}, ".role"),
        ({"role": "user", "content": 1}, ".content"),
        ({"role": "user", "content": [{"text": 1}]}, ".content"),
        ({"role": "user", "content": [{"type": "image_url"}]}, ".content"),
        ({"role": "user", "name": 1}, ".name"),
        ({"role": "assistant", "reasoning_content": {}}, ".reasoning_content"),
        ({"role": "assistant", "tool_calls": "x"}, ".tool_calls"),
        ({"role": "assistant", "tool_calls": ["x"]}, ".tool_calls[0]"),
        (
            {"role": "assistant", "tool_calls": [{"id": 1, "function": {"name": "f"}}]},
            ".tool_calls[0].id",
        ),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {"a": {1}}}]},
            ".tool_calls[0]",
        ),
        ({"role": "assistant", "function_call": {"arguments": "{}"}}, ".function_call"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_place(given: Any, place: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        messages_of([Message(role="user"), given])
    assert caught.value.param == f"messages[1]{place}"


def test_tools_come_in_both_forms() -> None:
    tool = Tool(name="f", description="d", parameters={"type": "object"}, strict=True)
    function = {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}
    assert tools_of([{"type": "function", "function": function}, function, tool]) == (tool,) * 3
    for broken in ("x", {}, {"function": "x"}, {"function": {"name": 1}}):
        with pytest.raises(InvalidParameter) as caught:
            tools_of([broken])  # type: ignore[list-item]
        assert caught.value.param == "tools[0]"


def test_choices_and_formats_of_ours_are_taken_as_they_are() -> None:
    assert choice_of(None) == ToolChoice()
    assert choice_of(ToolChoice("required")) == ToolChoice("required")
    assert format_of(None) == format_of({"type": "text"}) == Format()
    assert format_of({"type": "json_object"}) == Format(type="json_object")
    assert format_of(Format(type="json_object")) == Format(type="json_object")
