"""Histories as clients of the Messages protocol send them: read, or set aside and named."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.messages.request import to_request
from gguf_fc.protocols.messages.schema import MESSAGES
from gguf_fc.request import Message, ToolCall

Json = dict[str, Any]
GO_ON = {"role": "user", "content": "go on"}
NOTE = "[image left out: this model reads only text]"
FILE_NOTE = "[file left out: this model reads only text]"
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf"}}
PDF_URL = {"type": "document", "source": {"type": "url", "url": "https://x"}, "title": "T"}
OF_IMAGES = {"type": "document", "source": {"type": "content", "content": [IMAGE, "words"]}}


def read(*turns: Any, **fields: Any) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    body, ignored = MESSAGES.parse(orjson.dumps({"messages": turns, "max_tokens": 9, **fields}))
    request, passed_over = to_request(body, Sampling())
    return request.messages, (*ignored, *passed_over)


def past(*blocks: Any, role: str = "user") -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Messages of a turn that is over."""
    found, ignored = read({"role": role, "content": list(blocks)}, {**SO}, GO_ON)
    assert [message.content for message in found[-2:]] == ["so", "go on"]
    return found[:-2], ignored


SO = {"role": "assistant", "content": "so"}


@pytest.mark.parametrize(
    ("block", "note"),
    [(IMAGE, NOTE), (PDF, FILE_NOTE), (PDF_URL, FILE_NOTE), ({**IMAGE, "source": None}, NOTE)],
)
def test_a_picture_that_is_no_longer_asked_about_becomes_a_note(block: Json, note: str) -> None:
    see = {"type": "text", "text": "see"}
    where = "messages[0].content[1]"
    assert past(see, block) == ((Message(role="user", content=f"see\n{note}"),), (where,))
    found, ignored = read({"role": "user", "content": [result("a", [block, see])]})
    assert found == (Message(role="tool", tool_call_id="a", content=f"{note}\nsee"),)
    assert ignored == ("messages[0].content[0].content[0]",)


def test_a_picture_inside_of_a_document_becomes_a_note() -> None:
    found, ignored = past(OF_IMAGES)
    assert found == (Message(role="user", content=f"{NOTE}\nwords"),)
    assert ignored == ("messages[0].content[0].source.content[0]",)


@pytest.mark.parametrize("block", [IMAGE, PDF, PDF_URL, OF_IMAGES])
def test_a_picture_that_is_asked_about_is_refused(block: Json) -> None:
    with pytest.raises(UnsupportedParameter, match="reads only text"):
        read(GO_ON, SO, {"role": "user", "content": [block]})
    assert read({"role": "user", "content": [block]}, GO_ON)[1]


def test_what_stands_beside_a_result_is_the_tool_s() -> None:
    found, ignored = read({"role": "user", "content": [result("a", "done"), IMAGE, PDF]})
    assert found[1] == Message(role="user", content=f"{NOTE}\n{FILE_NOTE}")
    assert ignored == ("messages[0].content[1]", "messages[0].content[2]")


def result(call: Any, content: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": call, "content": content}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"a": 1}, '{"a": 1}'),
        ([{"a": 1}], '[{"a": 1}]'),
        (7, "7"),
        (None, ""),
        (["one", None, "two"], "one\ntwo"),
        ({"type": "text", "text": "one"}, "one"),
        ([{"type": "text", "text": None}, {"type": "text", "text": "one"}], "one"),
        ([{"type": "resource", "resource": {"uri": "u", "text": "one"}}], "one"),
        ([{"type": "wizardry"}, "one"], "[wizardry left out: this model reads only text]\none"),
    ],
)
def test_a_result_is_text_whatever_it_was(content: Any, text: str) -> None:
    assert read({"role": "user", "content": [result(7, content)]})[0] == (
        Message(role="tool", tool_call_id="7", content=text),
    )


@pytest.mark.parametrize("failed", [True, "true", 1])
def test_a_result_that_is_an_error_says_so(failed: Any) -> None:
    block = result("a", "no") | {"is_error": failed}
    assert read({"role": "user", "content": [block]})[0][0].content == "Error: no"


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("x", "x"),
        ({"text": "x"}, "x"),
        ({"type": "text", "text": {"value": "x"}}, "x"),
        ({"type": "input_text", "text": "x"}, "x"),
        ({"type": "compaction", "content": "x"}, "x"),
        ({"type": "search_result", "content": "x"}, "x"),
    ],
)
def test_a_text_is_a_text_in_any_shape(block: Any, text: str) -> None:
    for role in ("user", "assistant"):
        assert past(block, role=role)[0] == (Message(role=role, content=text),)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": 7, "name": "f", "input": {"x": None}},
        {"type": "tool_call", "id": "7", "name": "f", "args": {"x": None}},
        {"type": "function_call", "call_id": "7", "name": "f", "arguments": '{"x": null}'},
        {"type": "tool-call", "toolCallId": "7", "toolName": "f", "input": {"x": None}},
    ],
)
def test_a_call_is_a_call_in_any_shape(block: Json) -> None:
    assert past(block, role="assistant")[0] == (
        Message(role="assistant", tool_calls=(ToolCall("7", "f", '{"x":null}'),)),
    )


def test_reasoning_is_read_without_a_signature() -> None:
    for block in ({"thinking": "hm", "signature": None}, {"thinking": "hm", "signature": 1}):
        found, ignored = past({"type": "thinking", **block}, "so", role="assistant")
        assert found == (Message(role="assistant", content="so", reasoning_content="hm"),)
        assert ignored == ()
    assert past({"type": "thinking"}, "so", role="assistant")[0][0].content == "so"


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", {"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        ("user", {"type": "thinking", "thinking": "hm"}),
        ("system", {"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        ("assistant", {"type": "wizardry"}),
        ("user", {"type": "redacted_thinking", "data": "x"}),
    ],
)
def test_a_block_that_makes_no_sense_is_passed_over(role: str, block: Json) -> None:
    found, ignored = past(block, "x", role=role)
    assert [message.content for message in found] == ["x"]
    assert len(ignored) == 1


SERVERS = (
    *("server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "mcp_tool_use"),
    *("code_execution_tool_result", "mcp_tool_result", "container_upload", "browser_state"),
    *("mcp_tool_listing", "tool_addition", "tool_removal", "advisor_tool_result", "fallback"),
    *("bash_code_execution_tool_result", "tool_search_tool_result", "redacted_thinking"),
)


@pytest.mark.parametrize("kind", SERVERS)
def test_what_another_server_did_is_passed_over_and_named(kind: str) -> None:
    for role in ("user", "assistant"):
        found, ignored = past({"type": kind, "content": [IMAGE], "id": 1}, "x", role=role)
        assert [message.content for message in found] == ["x"]
        assert ignored == (f"messages[*].content[*] of type {kind}",)
    assert read({"role": "user", "content": [{"type": kind}, {"type": "text", "text": "x"}]})


@pytest.mark.parametrize(
    ("turn", "meant"),
    [
        ({"role": "human", "content": "x"}, Message(role="user", content="x")),
        ({"role": "model", "content": "x"}, Message(role="assistant", content="x")),
        ({"role": "developer", "content": "x"}, Message(role="system", content="x")),
        ({"role": "critic", "content": "x"}, Message(role="user", content="x")),
        (
            {"role": "tool", "tool_use_id": 7, "content": "x"},
            Message(role="tool", tool_call_id="7", content="x"),
        ),
        ({"role": "user", "content": None}, Message(role="user", content="")),
        ({"role": "user"}, Message(role="user", content="")),
        ({"role": "user", "content": []}, Message(role="user", content="")),
        (
            {"role": "user", "content": {"type": "text", "text": "x"}},
            Message(role="user", content="x"),
        ),
        ({"role": "system", "content": [result("a", "x")]}, Message(role="system", content="x")),
    ],
)
def test_a_turn_is_read_whatever_its_shape(turn: Json, meant: Message) -> None:
    assert read(turn, SO, GO_ON)[0][0] == meant


@pytest.mark.parametrize(
    "system",
    [[{"type": "text", "text": "s"}], ["s"], {"type": "text", "text": "s"}, [{"text": "s"}]],
)
def test_instructions_are_text_in_any_shape(system: Any) -> None:
    assert read(GO_ON, system=system)[0][0] == Message(role="system", content="s")


def test_what_would_be_lost_of_the_newest_turn_is_refused() -> None:
    for block in (
        {"type": "text"},
        {"type": "wizardry"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
    ):
        with pytest.raises(InvalidParameter):
            read(SO, {"role": "user", "content": [block]})


def test_a_turn_as_the_protocol_has_it_is_left_alone() -> None:
    blocks = [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "document", "source": {"type": "text", "data": "words"}},
        {
            "type": "search_result",
            "source": "S",
            "title": "T",
            "content": [{"type": "text", "text": "t"}],
        },
    ]
    assert past(*blocks)[0][0].content == "a\nwords\nT\nS\nt"
    assert json.dumps(past(*blocks)[1]) == '["messages[*].content[*].cache_control"]'
