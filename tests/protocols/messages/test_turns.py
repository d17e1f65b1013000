"""Blocks become messages; what cannot be read is refused where it stands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.messages.schema import COUNT_TOKENS, MessageTurn
from gguf_fc.protocols.messages.signature import signature_of
from gguf_fc.protocols.messages.turns import read_turns
from gguf_fc.request import Message, ToolCall


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def result(call: str, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, **more}


def read(*turns: dict[str, Any]) -> tuple[Message, ...]:
    return read_turns(msgspec.convert(list(turns), list[MessageTurn]))


def contents(*turns: dict[str, Any]) -> list[str | None]:
    return [message.content for message in read(*turns)]


def test_a_string_is_a_message() -> None:
    assert read(turn("user", "a"), turn("assistant", "b"), turn("system", "c")) == (
        Message(role="user", content="a"),
        Message(role="assistant", content="b"),
        Message(role="system", content="c"),
    )


def test_a_user_s_texts_are_lines_and_an_assistant_s_are_pieces() -> None:
    texts = [text("a", cache_control={"type": "ephemeral"}), text("b", citations=None)]
    assert contents(turn("user", texts), turn("assistant", texts)) == ["a\nb", "ab"]


def test_an_assistant_s_turn_is_one_message() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        text("Let me see."),
        {"type": "tool_use", "id": "a", "name": "f", "input": {"city": "Orléans", "n": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}, "caller": {"type": "direct"}},
    ]
    calls = (ToolCall("a", "f", '{"city":"Orléans","n":1}'), ToolCall("b", "g", "{}"))
    said = Message(
        role="assistant", content="Let me see.", reasoning_content="hm", tool_calls=calls
    )
    assert read(turn("assistant", blocks)) == (said,)


def test_each_result_is_a_message_and_text_keeps_its_place() -> None:
    blocks = [
        result("a", content="1"),
        result("b", content=[text("2"), text("3")]),
        text("And?"),
        text("Well?"),
        result("c"),
    ]
    assert read(turn("user", blocks)) == (
        Message(role="tool", tool_call_id="a", content="1"),
        Message(role="tool", tool_call_id="b", content="2\n3"),
        Message(role="user", content="And?\nWell?"),
        Message(role="tool", tool_call_id="c", content=""),
    )


def test_a_result_that_is_an_error_says_so() -> None:
    block = result("a", content="no such city", is_error=True)
    assert contents(turn("user", [block])) == ["Error: no such city"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "document", "title": "T", "source": {"type": "text", "data": "words"}},
            "T\nwords",
        ),
        (
            {
                "type": "document",
                "context": "C",
                "source": {"type": "content", "content": [text("a"), text("b")]},
            },
            "C\na\nb",
        ),
        ({"type": "document", "source": {"type": "content", "content": "words"}}, "words"),
        (
            {"type": "search_result", "title": "T", "source": "S", "content": [text("a")]},
            "T\nS\na",
        ),
        ({"type": "tool_reference", "tool_name": "get_weather"}, "get_weather"),
    ],
)
def test_what_is_text_inside_is_read_in_turns_and_in_results(
    block: dict[str, Any], expected: str
) -> None:
    assert contents(turn("user", [block]), turn("user", [result("a", content=[block])])) == [
        expected,
        expected,
    ]


def test_a_result_among_an_assistant_s_blocks_divides_the_turn() -> None:
    used = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    called = Message(role="assistant", tool_calls=(ToolCall("a", "f", "{}"),))
    found = Message(role="tool", tool_call_id="a", content="1")
    assert read(turn("assistant", [used, result("a", content="1")])) == (called, found)
    assert read(turn("assistant", [used, result("a", content="1"), text("So")])) == (
        called,
        found,
        Message(role="assistant", content="So"),
    )


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
OF_IMAGES = {"type": "document", "source": {"type": "content", "content": [IMAGE]}}


@pytest.mark.parametrize(
    ("block", "inside"),
    [
        (IMAGE, ""),
        (result("a", content=[text("a"), IMAGE]), ".content[1]"),
        (OF_IMAGES, ".source.content[0]"),
    ],
)
def test_an_image_is_refused_where_it_stands(block: dict[str, Any], inside: str) -> None:
    with pytest.raises(UnsupportedParameter, match="image") as caught:
        read(turn("user", "a"), turn("user", [text("b"), block]))
    assert caught.value.param == f"messages[1].content[1]{inside}"


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("system", result("a")),
        ("user", {"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        ("user", {"type": "thinking", "thinking": "hm"}),
    ],
)
def test_a_block_in_a_turn_of_the_wrong_role_is_refused(role: str, block: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match=block["type"]) as caught:
        read(turn(role, [block]))
    assert caught.value.param == "messages[0].content[0]"


@pytest.mark.parametrize(
    "kind", ["server_tool_use", "web_search_tool_result", "redacted_thinking", "mcp_tool_result"]
)
def test_blocks_of_another_server_s_own_tools_are_passed_over_and_named(kind: str) -> None:
    blocks = [{"type": kind, "id": "a", "tool_use_id": "a"}, text("Sunny.")]
    said = turn("assistant", blocks)
    assert read(said) == (Message(role="assistant", content="Sunny."),)
    _, ignored = COUNT_TOKENS.convert({"messages": [said, said]})
    assert ignored == (f"messages[*].content[*] of type {kind}",)


def test_a_turn_without_blocks_is_still_a_turn() -> None:
    found = read(turn("user", []), turn("assistant", []))
    assert [message.role for message in found] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"thinking": "shown", "signature": "omitted:aG0="}, "shown"),
        ({"thinking": "", "signature": signature_of("grübel")}, "grübel"),
        ({"thinking": "", "signature": "omitted:?"}, ""),
        ({"thinking": "", "signature": "omitted:/w=="}, ""),
        ({"thinking": "", "signature": "of another server"}, ""),
        ({"thinking": ""}, ""),
    ],
)
def test_reasoning_comes_back_from_its_text_or_its_signature(
    given: dict[str, Any], expected: str
) -> None:
    (found,) = read(turn("assistant", [{"type": "thinking", **given}]))
    assert found.reasoning_content == expected
