"""Items as messages: every form a client may send, and every form an earlier response has."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.errors import InvalidParameter, PreviousResponseNotFound, UnsupportedParameter
from gguf_fc.protocols.responses.conversation import messages_of, sealed
from gguf_fc.protocols.responses.input import GivenInput, read_input
from gguf_fc.protocols.responses.items import kept_items
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore, stored
from gguf_fc.protocols.responses.tools import Offers
from gguf_fc.request import Message, ToolCall


def counting() -> Callable[[str], str]:
    numbers = count(1)
    return lambda prefix: f"{prefix}{next(numbers)}"


def read(given_input: Any, store: ResponseStore | None = None, **body: Any) -> GivenInput:
    parsed, _ = RESPONSES.convert({"input": given_input, **body})
    return read_input(parsed, store or ResponseStore(), counting())


def messages(given_input: Any, store: ResponseStore | None = None, **body: Any) -> list[Message]:
    return list(messages_of(read(given_input, store, **body).placed, Offers().name_of))


def call(name: str, arguments: str, id_: str = "call_1") -> Message:
    return Message(role="assistant", tool_calls=(ToolCall(id_, name, arguments),))


USER = Message(role="user", content="Hi")
USER_ITEM = {"role": "user", "content": "Hi"}
CASES: dict[str, tuple[Any, list[Message]]] = {
    "a text": ("Hi", [USER]),
    "a message without a type": ([{"role": "user", "content": "Hi"}], [USER]),
    "a message": ([{"type": "message", "role": "user", "content": "Hi"}], [USER]),
    "text parts are lines": (
        [
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}],
            }
        ],
        [Message(role="user", content="a\nb")],
    ),
    "what the assistant said, as it was sent": (
        [
            {
                "id": "msg_1",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "Yes", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "No"},
                ],
            }
        ],
        [Message(role="assistant", content="Yes\nNo")],
    ),
    "system and developer": (
        [{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}],
        [Message(role="system", content="s"), Message(role="developer", content="d")],
    ),
    "a call": (
        [{"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"x": 1}'}],
        [call("f", '{"x":1}')],
    ),
    "a call whose arguments have to be mended": (
        [{"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{'x': 1,}"}],
        [call("f", '{"x":1}')],
    ),
    "a call whose arguments cannot be read": (
        [{"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "rm"}],
        [call("f", '{"input":"rm"}')],
    ),
    "a call with arguments as an object": (
        [{"type": "function_call", "call_id": "call_1", "name": "f", "arguments": {"x": 1}}],
        [call("f", '{"x":1}')],
    ),
    "a result": (
        [{"type": "function_call_output", "call_id": "call_1", "output": "18"}],
        [Message(role="tool", content="18", tool_call_id="call_1")],
    ),
    "a result in parts": (
        [
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [{"type": "input_text", "text": "18"}],
            }
        ],
        [Message(role="tool", content="18", tool_call_id="call_1")],
    ),
    "a custom call and its result": (
        [
            {"type": "custom_tool_call", "call_id": "call_1", "name": "sh", "input": "ls"},
            {"type": "custom_tool_call_output", "call_id": "call_1", "output": "a b"},
        ],
        [
            call("sh", '{"input":"ls"}'),
            Message(role="tool", content="a b", tool_call_id="call_1"),
        ],
    ),
    "reasoning": (
        [
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "short"}],
                "content": [{"type": "reasoning_text", "text": "long"}],
            }
        ],
        [Message(role="assistant", reasoning_content="long")],
    ),
    "reasoning of which only a summary is left": (
        [{"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}]}],
        [Message(role="assistant", reasoning_content="s")],
    ),
    "reasoning another server has sealed": (
        [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB=="}],
        [],
    ),
    "records of other servers' tools": (
        [
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
            USER_ITEM,
        ],
        [USER],
    ),
}


@pytest.mark.parametrize(("given_input", "expected"), CASES.values(), ids=CASES)
def test_items_are_read_as_messages(given_input: Any, expected: list[Message]) -> None:
    assert messages(given_input) == expected


@given(st.text(min_size=1))
def test_sealed_reasoning_comes_back_as_it_was(reasoning: str) -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": sealed(reasoning)}
    assert messages([item]) == [Message(role="assistant", reasoning_content=reasoning)]


@pytest.mark.parametrize(
    ("given_input", "param"),
    [
        ([], "input"),
        ([{"type": "web_search_call"}], "input"),
        (
            [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}],
            "input[0].content[0].type",
        ),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text"),
        (
            [{"type": "web_search_call"}, {"role": "user", "content": [{"type": "?"}]}],
            "input[1].content[0].type",
        ),
        ([{"type": "item_reference", "id": "msg_9"}], "input[0].id"),
        ([{"id": "msg_9"}], "input[0].id"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(given_input: Any, param: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        messages(given_input)
    assert refused.value.param == param


def test_no_input_at_all_is_refused_even_without_a_list() -> None:
    with pytest.raises(InvalidParameter) as refused:
        messages(None)
    assert refused.value.param == "input"


def test_an_unsupported_part_says_so() -> None:
    with pytest.raises(UnsupportedParameter, match="only text"):
        messages([{"role": "user", "content": [{"type": "input_audio"}]}])


OUTPUT: list[dict[str, Any]] = [
    {
        "id": "rs_1",
        "type": "reasoning",
        "status": "completed",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    },
    {
        "id": "fc_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "f",
        "arguments": "{}",
    },
]
SAID = [Message(role="assistant", reasoning_content="hm"), call("f", "{}")]


def kept() -> ResponseStore:
    """A store with one response, which answered ``Hi``."""
    store = ResponseStore()
    first = read("Hi")
    response = {"id": "resp_1", "output": OUTPUT}
    store.add(stored(response, first.before, first.items, kept_items(OUTPUT)))
    return store


def test_a_response_is_gone_on_from_with_all_that_was_said() -> None:
    result = [{"type": "function_call_output", "call_id": "call_1", "output": "18"}]
    found = messages(result, kept(), previous_response_id="resp_1")
    assert found == [USER, *SAID, Message(role="tool", content="18", tool_call_id="call_1")]


def test_a_response_may_be_gone_on_from_without_new_items() -> None:
    assert messages([], kept(), previous_response_id="resp_1") == [USER, *SAID]


def test_the_output_of_a_response_may_be_sent_back_or_referred_to() -> None:
    assert messages([USER_ITEM, *OUTPUT]) == [USER, *SAID]
    references = [{"id": "rs_1"}, {"type": "item_reference", "id": "fc_1"}]
    assert messages([USER_ITEM, *references], kept()) == [USER, *SAID]


def test_a_response_that_is_not_kept_cannot_be_gone_on_from() -> None:
    with pytest.raises(PreviousResponseNotFound) as refused:
        messages("Hi", kept(), previous_response_id="resp_2")
    assert refused.value.param == "previous_response_id"


def test_items_passed_over_are_named() -> None:
    found = read([{"type": "web_search_call"}, {"role": "user", "content": "Hi"}])
    assert found.passed_over == ("input[0]",)
