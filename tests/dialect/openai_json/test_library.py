"""Arguments of the library's functions, in either form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gguf_fc.dialect.openai_json.library import (
    Json,
    read_calls,
    read_choice,
    read_format,
    read_messages,
    read_tools,
)
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Format, Message, Tool, ToolCall, ToolChoice
from gguf_fc.typed_json import MAX_DEPTH

F: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
TOOL = Tool(name="g", parameters={"type": "object"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"role": "user", "content": "Hi"}, Message(role="user", content="Hi")),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}] * 2},
            Message(role="user", content="a\na"),
        ),
        (
            {"role": "assistant", "content": None, "refusal": "No."},
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
            {
                "role": "assistant",
                "tool_calls": [{"type": "custom", "custom": {"name": "f", "input": "ls"}}],
            },
            Message(role="assistant", tool_calls=(ToolCall(None, "f", '{"input":"ls"}'),)),
        ),
        (
            {"role": "observation", "name": "f", "content": "r"},
            Message(role="tool", name="f", content="r"),
        ),
    ],
)
def test_every_form_of_a_message_is_read(given: dict[str, Any], message: Message) -> None:
    both: list[Message | Json] = [message, given]
    assert read_messages([given]) == (message,)
    assert read_messages(iter(both)) == (message, message)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("Hi", ""),
        ({"content": "Hi"}, ".role"),
        ({"role": "user", "content": 1}, ".content"),
        ({"role": "user", "content": [{"text": 1}, 7]}, ".content[1]"),
        ({"role": "user", "content": [{"type": "image_url"}]}, ".content[0].type"),
        (
            {
                "role": "assistant",
                "tool_calls": [{"function": {"name": "f", "arguments": {"a": {1}}}}],
            },
            ".tool_calls[0].function.arguments",
        ),
        ({"role": "wizard \ud800", "content": "Hi"}, ""),
    ],
)
def test_a_message_that_makes_no_sense_is_refused_by_its_place(given: Any, place: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        read_messages([Message(role="user"), given])
    assert caught.value.param == f"messages[1]{place}"


@pytest.mark.parametrize("nothing", [None, [], "", {}])
def test_a_conversation_has_a_message(nothing: Any) -> None:
    with pytest.raises(InvalidParameter) as caught:
        read_messages(nothing)
    assert caught.value.param == "messages"


def test_tools_may_be_ours_or_json_or_both() -> None:
    assert read_tools(None) == read_tools([]) == ()
    assert read_tools([F]) == (Tool(name="f"),)
    assert read_tools((TOOL, F)) == (TOOL, Tool(name="f"))
    assert read_tools([TOOL, TOOL]) == (TOOL, TOOL)  # ours are taken as they are


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({}, "tools"),
        ("f", "tools"),
        ([{"name": "f"}], "tools[0].function"),
        ([{"function": {"name": "two words"}}], "tools[0].function.name"),
        ([{"function": {"name": "f", "parameters": False}}], "tools[0].function.parameters"),
        ([F, F], "tools[1].function.name"),
        ([TOOL, {"function": {"name": "g"}}], "tools[1].function.name"),
        ([TOOL, "x"], "tools[1]"),
        ([F] * 1001, "tools"),
    ],
)
def test_tools_that_make_no_sense_are_refused_by_their_place(given: Any, param: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        read_tools(given)
    assert caught.value.param == param


def test_choices_and_formats_of_ours_are_taken_as_they_are() -> None:
    assert read_choice(ToolChoice("named", "nobody"), ()) == ToolChoice("named", "nobody")
    assert read_choice(None, ()) == ToolChoice("none")
    assert read_choice("any", (TOOL,)) == ToolChoice("required")
    assert read_choice("g", (TOOL,)) == ToolChoice("named", "g")
    assert read_choice({"name": "g"}, (TOOL,)) == ToolChoice("named", "g")
    assert read_format(None) == read_format({"type": "text"}) == Format()
    assert read_format(Format(type="json_object")) == Format(type="json_object")


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_a_schema_beside_the_type_of_a_format_counts(kind: str) -> None:
    form = read_format({"type": kind, "schema": {"type": "integer"}})
    assert (form.type, form.schema) == ("json_schema", {"type": "integer"})


def test_calls_are_named_flat_or_as_in_a_message() -> None:
    call = ToolCall("a", "f", '{"x":1}')
    flat = {"id": "a", "name": "f", "arguments": {"x": 1}}
    nested = {"id": "a", "function": {"name": "f", "arguments": '{"x": 1}'}}
    custom = {"id": "b", "type": "custom", "custom": {"name": "c", "input": "ls"}}
    assert read_calls([call, flat, nested, custom]) == (
        *(call, call, call),
        ToolCall("b", "c", '{"input":"ls"}'),
    )
    assert read_calls(None) == ()


@pytest.mark.parametrize(
    ("call", "param"),
    [
        ("f", "tool_calls[0]"),
        ({"arguments": {}}, "tool_calls[0].name"),
        ({"name": "f", "arguments": "[]"}, "tool_calls[0].arguments"),
        ({"type": "function"}, "tool_calls[0].function"),
        ({"function": {"name": "f", "arguments": "{oops"}}, "tool_calls[0].function.arguments"),
        ({"function": {"arguments": "{}"}}, "tool_calls[0].function.name"),
    ],
)
def test_a_call_without_a_name_or_an_object_is_refused(call: Any, param: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        read_calls([call])
    assert caught.value.param == param


def test_what_is_nested_too_deep_is_refused_before_it_is_read() -> None:
    deep: Any = {}
    for _ in range(MAX_DEPTH):
        deep = {"items": deep}
    reads: list[tuple[Callable[[Any], object], Any, str]] = [
        (read_tools, [{"function": {"name": "f", "parameters": deep}}], "tools"),
        (read_format, {"type": "json_object", "schema": deep}, "response_format"),
        (read_messages, [{"role": "user", "content": deep}], "messages"),
        (read_calls, [{"name": "f", "arguments": deep}], "tool_calls[0]"),
        (lambda choice: read_choice(choice, ()), deep, "tool_choice"),
    ]
    for read, given, param in reads:
        with pytest.raises(InvalidParameter, match="nested more than") as caught:
            read(given)
        assert caught.value.param == param
