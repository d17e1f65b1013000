"""Histories as clients send them: what is read, what is set aside and named, what is refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from gguf_fc.dialect.openai_json.as_sent import regular_messages
from gguf_fc.dialect.openai_json.messages import messages_of
from gguf_fc.dialect.openai_json.types import ChatMessage
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.request import Message, ToolCall

Json = dict[str, Any]
GO_ON = {"role": "user", "content": "go on"}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
NOTE = "[image left out: this model reads only text]"


def read(*messages: Any) -> tuple[tuple[Message, ...], list[str]]:
    regular, aside = regular_messages(list(messages))
    return messages_of(msgspec.convert(regular, list[ChatMessage])), aside


def past(message: Any) -> tuple[Message, list[str]]:
    """*message* in a turn that is over."""
    found, aside = read(message, {"role": "assistant", "content": "so"}, GO_ON)
    assert found[1:] == (
        Message(role="assistant", content="so"),
        Message(role="user", content="go on"),
    )
    return found[0], aside


def result(content: Any) -> tuple[str | None, list[str]]:
    """Text of a tool's result."""
    found, aside = read({"role": "tool", "tool_call_id": "a", "content": content})
    return found[0].content, aside


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (PICTURE, "image"),
        ({"type": "image", "source": {"type": "base64", "data": "AA=="}}, "image"),
        ({"type": "input_image", "image_url": "data:,"}, "image"),
        ({"type": "image", "image": "data:,", "mimeType": "image/png"}, "image"),
        ({"image_url": {"url": "data:,"}}, "image"),
        ({"inlineData": {"mimeType": "image/png", "data": "AA=="}}, "file"),
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, "audio"),
        ({"type": "video_url", "video_url": {"url": "x"}}, "video"),
        ({"type": "file", "file": {"file_data": "AA==", "filename": "a.pdf"}}, "file"),
        ({"type": "input_file", "file_id": "f"}, "file"),
        ({"type": "document", "source": {"type": "base64", "data": "AA=="}}, "file"),
        ({"type": "media", "mime_type": "image/png", "data": "AA=="}, "file"),
    ],
)
def test_a_picture_that_is_no_longer_asked_about_becomes_a_note(part: Json, what: str) -> None:
    note = f"[{what} left out: this model reads only text]"
    message = {"role": "user", "content": [{"type": "text", "text": "see"}, part]}
    assert past(message) == (
        Message(role="user", content=f"see\n{note}"),
        ["messages[0].content[1]"],
    )
    assert result([part, "done"]) == (f"{note}\ndone", ["messages[0].content[0]"])
    with pytest.raises(UnsupportedParameter, match="reads only text") as caught:
        read(GO_ON, message)
    assert caught.value.param == "messages[1].content[1].type"


ASKED = {"role": "user", "content": [PICTURE]}
CALLED = {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "look"}}]}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "[image]"}


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED],
        [GO_ON, ASKED],
        [ASKED, {"role": "system", "content": "Tokens left: 9"}],
        [ASKED, {"role": "assistant", "content": "It shows"}],
        [GO_ON, CALLED, RESULT, {"role": "assistant", "content": "a"}, ASKED],
    ],
)
def test_a_picture_that_is_asked_about_is_refused(messages: list[Any]) -> None:
    with pytest.raises(UnsupportedParameter, match="Say in words what the image shows"):
        read(*messages)


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED, GO_ON],  # the client keeps what was refused
        [ASKED, CALLED, RESULT],
        [ASKED, CALLED],
        [GO_ON, CALLED, RESULT, ASKED],  # the tool's picture, as clients send it
        [ASKED, {"role": "assistant", "content": "no"}, GO_ON],
    ],
)
def test_a_picture_elsewhere_ends_no_conversation(messages: list[Any]) -> None:
    found, aside = read(*messages)
    at = messages.index(ASKED)
    assert found[at] == Message(role="user", content=NOTE)
    assert aside == [f"messages[{at}].content[0]"]


@pytest.mark.parametrize(
    ("role", "meant"),
    [
        *(("ipython", "tool"), ("tool_result", "tool"), ("function", "tool"), ("Tool", "tool")),
        *(("model", "assistant"), ("ai", "assistant"), ("Assistant", "assistant")),
        *(("human", "user"), ("USER", "user"), ("developer", "developer")),
    ],
)
def test_a_role_is_known_by_its_other_names(role: str, meant: Any) -> None:
    assert past({"role": role, "content": "x"}) == (Message(role=meant, content="x"), [])
    assert past({"type": role.lower(), "content": "x"})[0].role == meant


def test_a_role_that_nobody_knows_is_somebody_s_text() -> None:
    assert past({"role": "critic", "content": "x"}) == (
        Message(role="user", content="x"),
        ["messages[0].role"],
    )
    with pytest.raises(msgspec.ValidationError):
        read(GO_ON, {"role": "critic", "content": "x"})


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (["one", "two"], "one\ntwo"),
        ([{"text": "one"}, {"type": "text", "text": 2}], "one\n2"),
        ([{"type": "text", "text": {"value": "one", "annotations": []}}], "one"),
        ([{"type": "text", "content": "one"}, None, {}], "one"),
        ([{"type": "text", "text": None}, {"type": "text", "text": "one"}], "one"),
        ({"type": "text", "text": "one"}, "one"),
        ({"parts": [{"text": "one"}, "two"]}, "one\ntwo"),
        ({"content_type": "text", "parts": ["one"]}, "one"),
        ([{"type": "markdown", "text": "one"}], "one"),
        ([{"type": "resource", "resource": {"uri": "u", "text": "one"}}], "one"),
        ({"json": {"q": 1}}, '{"json": {"q": 1}}'),
        (7, "7"),
        ([], None),
        (None, None),
    ],
)
def test_a_text_is_a_text_in_any_shape(content: Any, text: str | None) -> None:
    assert past({"role": "user", "content": content})[0].content == text
    assert past({"role": "assistant", "content": content})[0].content == text


def test_what_is_no_part_of_a_result_is_its_json() -> None:
    rows = [{"city": "Oslo"}, {"city": "Bergen", "type": "harbour"}]
    assert result(rows) == (json.dumps(rows), [])
    assert result([1, 2]) == ("[1, 2]", [])
    assert result({"a": 1}) == ('{"a": 1}', [])
    assert result({"type": "text", "text": "x"}) == ("x", [])
    assert result([{"type": "image", "data": "AA==", "mimeType": "image/png"}])[0] == NOTE


def assistant(**fields: Any) -> tuple[Message, list[str]]:
    return past({"role": "assistant", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning": {"text": "hm"}},
        {"reasoning": {"content": [{"text": "hm"}]}},
        {"reasoning_content": ["hm"]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"thinking": "hm"},
        {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}]},
        {"content": [{"type": "reasoning", "text": "hm"}, "so"]},
        {"content": [{"type": "reasoning", "summary": [{"text": "hm"}]}, "so"]},
        {"content": [{"thinking": "hm"}, "so"]},
        {"content": [{"type": "think", "think": "hm"}, "so"]},
    ],
)
def test_reasoning_is_read_wherever_it_stands(fields: Json) -> None:
    message, aside = assistant(**{"content": "so", **fields})
    assert message == Message(role="assistant", content="so", reasoning_content="hm")
    assert aside == []


def test_a_thought_may_be_a_message_of_its_own() -> None:
    said = {"role": "assistant", "content": "so"}
    found, aside = read(GO_ON, {"role": "thinking", "content": "hm"}, said, GO_ON)
    assert found[1:3] == (
        Message(role="assistant", reasoning_content="hm"),
        Message(role="assistant", content="so"),
    )
    assert aside == []


@pytest.mark.parametrize("kind", ["redacted_thinking", "step-start", "reasoning.encrypted"])
def test_what_only_another_server_reads_is_passed_over(kind: str) -> None:
    message, aside = assistant(content=[{"type": kind, "data": "x"}, "so"])
    assert message == Message(role="assistant", content="so")
    assert aside == ["messages[0].content[0]"]


ARGS = {"at": None, "n": [1, None]}


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_calls": [{"id": 7, "name": "look", "arguments": ARGS}]},
        {"tool_calls": [{"id": "7", "type": "tool_call", "name": "look", "args": ARGS}]},
        {"tool_calls": [{"type": "tool_use", "id": "7", "name": "look", "input": ARGS}]},
        {"tool_calls": [{"call_id": "7", "function": "look", "arguments": ARGS}]},
        {"tool_calls": [{"id": "7", "function": json.dumps({"name": "look", "args": ARGS})}]},
        {"tool_calls": {"id": "7", "function": {"name": "look", "arguments": ARGS}}},
        {"tool_calls": {"0": {"id": "7", "function": {"name": "look", "arguments": ARGS}}}},
        {"toolCalls": [{"id": "7", "name": "look", "arguments": ARGS}]},
        {"content": [{"type": "tool_call", "tool_call": {"id": 7, "name": "look", "args": ARGS}}]},
        {"parts": [{"functionCall": {"id": "7", "name": "look", "args": ARGS}}]},
        {"tool_calls": json.dumps([{"id": "7", "name": "look", "arguments": ARGS}])},
        {"content": [{"type": "tool_use", "id": "7", "name": "look", "input": ARGS}]},
        {"content": [{"type": "tool-call", "toolCallId": 7, "toolName": "look", "args": ARGS}]},
    ],
)
def test_a_call_is_a_call_in_any_shape(fields: Json) -> None:
    message, aside = assistant(**fields)
    assert message.tool_calls == (ToolCall("7", "look", '{"at":null,"n":[1,null]}'),)
    assert aside == []


def test_a_call_among_the_parts_repeats_one_that_is_there() -> None:
    part = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    message, _ = assistant(content=[part], tool_calls=[call])
    assert message.tool_calls == (ToolCall("a", "look", "{}"),)


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_no_calls_are_none(nothing: Any) -> None:
    message, aside = assistant(content="so", tool_calls=nothing, function_call=nothing)
    assert (message, aside) == (Message(role="assistant", content="so"), [])


@pytest.mark.parametrize("odd", [7, "x", [7], ["x"], [{"type": "mcp"}], [{"function": {}}]])
def test_what_is_no_call_is_passed_over(odd: Any) -> None:
    message, aside = assistant(content="so", tool_calls=odd)
    assert message == Message(role="assistant", content="so")
    assert aside == [f"messages[0].tool_calls{'[0]' if isinstance(odd, list) else ''}"]


def test_calls_that_the_user_made_are_passed_over() -> None:
    call = {"id": "a", "function": {"name": "look"}}
    sent = {"role": "user", "content": "x", "tool_calls": [call], "function_call": {"name": "f"}}
    assert past(sent) == (
        Message(role="user", content="x"),
        ["messages[0].tool_calls", "messages[0].function_call"],
    )


def test_a_result_knows_its_call() -> None:
    for given in ({"tool_call_id": 7}, {"tool_use_id": "7"}, {"call_id": "7"}):
        found, _ = read({"role": "tool", "name": 5, "content": "x", **given})
        assert found == (Message(role="tool", name="5", tool_call_id="7", content="x"),)
    response = {"functionResponse": {"name": "f", "response": {"y": "x"}}}
    assert read({"role": "function", "parts": [response]})[0][0].content == '{"y": "x"}'
    part = {"type": "tool-result", "toolCallId": "7", "toolName": "look", "result": {"a": "x"}}
    assert read({"role": "tool", "content": [part]})[0][0].tool_call_id == "7"


def test_a_message_as_the_protocol_has_it_is_left_alone() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"a": 1}}]},
        {"role": "assistant", "content": "y", "reasoning": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "name": "f", "content": {"a": None}},
        {"role": "assistant", "refusal": "no", "annotations": [1]},
    ]
    assert regular_messages(messages) == (messages, [])


@pytest.mark.parametrize("given", [None, "hi", [], [7], [{"role": 5}], [{"content": "x"}]])
def test_what_is_no_conversation_is_left_to_be_refused(given: Any) -> None:
    assert regular_messages(given) == (given, [])


def test_what_would_be_lost_of_the_newest_message_is_refused() -> None:
    for content in ([{"type": "text"}], [{"type": "tool_use", "name": "f"}], [7], 7):
        with pytest.raises((InvalidParameter, msgspec.ValidationError)):
            read(GO_ON, {"role": "user", "content": content})
