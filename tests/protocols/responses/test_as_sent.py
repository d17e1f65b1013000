"""Items as clients of the Responses protocol send them: read, or set aside and named."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.responses.conversation import messages_of
from gguf_fc.protocols.responses.input import read_input
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.tools import Offers
from gguf_fc.request import Message, ToolCall

Json = dict[str, Any]
GO_ON = {"role": "user", "content": "go on"}
SO = {"role": "assistant", "content": "so"}
NOTE = "[image left out: this model reads only text]"
PICTURE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}


def read(*items: Any) -> tuple[list[Message], tuple[str, ...]]:
    body, ignored = RESPONSES.convert({"input": list(items)})
    numbers = count()
    given = read_input(body, ResponseStore(), lambda prefix: f"{prefix}{next(numbers)}")
    return list(messages_of(given.placed, Offers().name_of)), (*ignored, *given.passed_over)


def past(item: Any) -> tuple[list[Message], tuple[str, ...]]:
    """*item* in a turn that is over."""
    found, ignored = read(item, SO, GO_ON)
    assert [message.content for message in found[-2:]] == ["so", "go on"]
    return found[:-2], ignored


# What Codex and others keep in their histories, with members as they send them.
FOREIGN: tuple[Json, ...] = (
    {"type": "tool_search_call", "call_id": "a", "execution": "client", "arguments": {"q": "x"}},
    {"type": "tool_search_output", "call_id": "a", "tools": [], "status": "completed"},
    {"type": "local_shell_call", "call_id": "a", "status": "completed", "action": {"type": "exec"}},
    {"type": "local_shell_call_output", "id": "a", "output": "x"},
    {"type": "shell_call", "call_id": "a", "action": {"commands": ["ls"]}, "status": "completed"},
    {"type": "shell_call_output", "call_id": "a", "output": [{"stdout": "x"}]},
    {"type": "apply_patch_call", "call_id": "a", "operation": {"type": "create_file"}},
    {"type": "apply_patch_call_output", "call_id": "a", "status": "failed", "output": "x"},
    {"type": "mcp_call", "id": "a", "name": "f", "arguments": "{}", "server_label": "s"},
    {"type": "mcp_list_tools", "id": "a", "server_label": "s", "tools": []},
    {"type": "mcp_approval_request", "id": "a", "name": "f", "arguments": "{}"},
    {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
    {"type": "code_interpreter_call", "id": "a", "code": "1", "outputs": None},
    {"type": "computer_call", "id": "a", "call_id": "a", "action": {"type": "screenshot"}},
    {"type": "computer_call_output", "call_id": "a", "output": {"type": "computer_screenshot"}},
    {"type": "compaction", "id": "a", "encrypted_content": "x"},
    {"type": "compaction_summary", "encrypted_content": "x"},
    {"type": "compaction_trigger"},
    {"type": "context_compaction", "encrypted_content": None},
    {"type": "web_search_call", "id": "a", "status": "searching", "action": {"type": "search"}},
    {"type": "file_search_call", "id": "a", "queries": ["x"], "results": None},
    {"type": "image_generation_call", "id": "a", "status": "generating", "result": "AA=="},
    {"type": "ghost_snapshot", "ghost_commit": {"id": "x"}},
    {"type": "program", "id": "a"},
    {"type": "wizardry", "id": 7, "role": "user", "content": 5},
)


@pytest.mark.parametrize("item", FOREIGN, ids=lambda item: item["type"])
def test_what_another_server_made_is_passed_over_and_named(item: Json) -> None:
    assert past(item) == ([], ("input[0]",))
    assert read(GO_ON, item)[1] == ("input[1]",)


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
def test_a_picture_of_a_tool_becomes_a_note(kind: str) -> None:
    output = [PICTURE, {"type": "input_text", "text": "done"}]
    found, ignored = read({"type": kind, "call_id": "a", "output": output})
    assert found == [Message(role="tool", tool_call_id="a", content=f"{NOTE}\ndone")]
    assert ignored == ("input[0].output[0]",)


def test_a_picture_that_is_no_longer_asked_about_becomes_a_note() -> None:
    asked = {"role": "user", "content": [{"type": "input_text", "text": "see"}, PICTURE]}
    assert past(asked) == (
        [Message(role="user", content=f"see\n{NOTE}")],
        ("input[0].content[1]",),
    )
    call = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "a", "output": "x"}
    assert read(asked, call, output)[0][0].content == f"see\n{NOTE}"
    assert read(call, output, asked)[0][2].content == f"see\n{NOTE}"
    for items in ([asked], [GO_ON, SO, asked], [asked, {"type": "compaction"}]):
        with pytest.raises(UnsupportedParameter, match="Say in words"):
            read(*items)


@pytest.mark.parametrize(
    ("item", "meant"),
    [
        ("x", Message(role="user", content="x")),
        ({"role": "human", "content": "x"}, Message(role="user", content="x")),
        ({"role": "model", "content": ["x"]}, Message(role="assistant", content="x")),
        ({"role": "critic", "content": "x"}, Message(role="user", content="x")),
        ({"role": "user", "content": None}, Message(role="user", content="")),
        ({"role": "user", "content": {"text": "x"}}, Message(role="user", content="x")),
        (
            {"type": "message", "role": "assistant", "id": 7, "status": "done", "content": "x"},
            Message(role="assistant", content="x"),
        ),
        (
            {"role": "assistant", "content": [{"type": "output_text", "text": "x"}, {"type": "?"}]},
            Message(role="assistant", content="x"),
        ),
        (
            {"role": "tool", "tool_call_id": 7, "content": "x"},
            Message(role="tool", tool_call_id="7", content="x"),
        ),
        (
            {"type": "function_call_output", "call_id": 7, "output": {"a": None}},
            Message(role="tool", tool_call_id="7", content='{"a": null}'),
        ),
        (
            {"type": "function_call_output", "call_id": None, "output": None},
            Message(role="tool", tool_call_id="", content=""),
        ),
        (
            {"call_id": "7", "output": [{"a": 1}]},
            Message(role="tool", tool_call_id="7", content='[{"a": 1}]'),
        ),
        (
            {"call_id": "7", "name": "f", "arguments": None},
            Message(role="assistant", tool_calls=(ToolCall("7", "f", "{}"),)),
        ),
        (
            {"type": "function_call", "id": "7", "name": None},
            Message(role="assistant", tool_calls=(ToolCall("7", "", "{}"),)),
        ),
        (
            {"type": "custom_tool_call", "call_id": "7", "name": "sh", "input": {"a": 1}},
            Message(
                role="assistant", tool_calls=(ToolCall("7", "sh", '{"input":"{\\"a\\": 1}"}'),)
            ),
        ),
        (
            {"type": "reasoning", "summary": None, "content": "hm", "encrypted_content": None},
            Message(role="assistant", reasoning_content="hm"),
        ),
        (
            {"type": "reasoning", "summary": ["hm"], "content": None, "status": None},
            Message(role="assistant", reasoning_content="hm"),
        ),
        (
            {"type": "reasoning", "content": [{"type": "text", "text": "hm"}]},
            Message(role="assistant", reasoning_content="hm"),
        ),
    ],
)
def test_an_item_is_read_whatever_its_shape(item: Any, meant: Message) -> None:
    assert past(item)[0] == [meant]


def test_what_is_null_is_no_item() -> None:
    assert past(None) == ([], ("input[0]",))


def test_what_would_be_lost_of_the_newest_message_is_refused() -> None:
    for content in ([{"type": "?"}], [{"type": "input_text"}], [7], 7, None):
        with pytest.raises(InvalidParameter):
            read(SO, {"role": "user", "content": content})


def test_items_as_the_protocol_has_them_are_left_alone() -> None:
    text = {"type": "input_text", "text": "x"}
    said = {"type": "output_text", "text": "y", "annotations": [], "logprobs": []}
    items = [
        {"type": "message", "role": "user", "content": [text]},
        {
            "type": "message",
            "role": "assistant",
            "content": [said],
            "id": "m",
            "status": "completed",
        },
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "s"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "z"},
    ]
    body, ignored = RESPONSES.convert({"input": items})
    assert ignored == ()
    assert RESPONSES.histories["input"](items) == (items, [])
    assert len(body.input) == len(items)
