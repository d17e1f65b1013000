"""A conversation comes back as it was said, whatever a client made of its writing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.generation.reply_memory import MOST_UNREAD, MadeCall, ReplyMemory
from gguf_fc.request import Message, Request, ToolCall

SAID = '{"city": "Paris", "days": 3, "units": ["c", "f"]}'


def made(name: str, arguments: str, *, reasoning: str = "") -> MadeCall:
    return MadeCall("call_1", name, arguments, reasoning)


def mended(memory: ReplyMemory, name: str, arguments: str, **more: Any) -> Message:
    """The assistant's message of a history with one call."""
    call = ToolCall(more.pop("id", "call_1"), name, arguments)
    message = Message(role="assistant", tool_calls=(call,), **more)
    user = Message(role="user", content="hi")
    request = memory.restored(Request(model=None, messages=(user, message)))
    assert request.messages[0] is user
    return request.messages[1]


@pytest.mark.parametrize(
    "written",
    [
        SAID,
        '{"units":["c","f"],"days":3,"city":"Paris"}',
        '{ "days": 3.0, "city": "\\u0050aris",\n "units": [ "c", "f" ] }',
    ],
)
def test_arguments_that_mean_the_same_are_put_back_as_they_were_said(written: str) -> None:
    memory = ReplyMemory()
    memory.made.append(made("weather", SAID))
    assert mended(memory, "weather", written, id="other").tool_calls[0].arguments == SAID


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("weather", '{"city": "Rome", "days": 3, "units": ["c", "f"]}'),
        ("weather", '{"city": "Paris", "days": 3, "units": ["f", "c"]}'),
        ("weather", '{"city": "Paris", "days": "3", "units": ["c", "f"]}'),
        ("climate", '{"days": 3, "city": "Paris", "units": ["c", "f"]}'),
        ("weather", "{not JSON"),
        ("weather", "[" * 1000 + "]" * 1000),
    ],
)
def test_what_the_client_changed_stays_changed(name: str, written: str) -> None:
    memory = ReplyMemory()
    memory.made.append(made("weather", SAID))
    assert mended(memory, name, written).tool_calls[0].arguments == written


def test_reasoning_that_was_dropped_comes_back_with_the_call_it_led_to() -> None:
    memory = ReplyMemory()
    memory.made.append(made("f", "{}", reasoning="Let me see."))
    assert mended(memory, "f", "{}").reasoning_content == "Let me see."
    assert mended(memory, "f", "{}", reasoning_content="mine").reasoning_content == "mine"
    assert mended(memory, "f", "{}", reasoning_content="").reasoning_content == ""
    assert mended(memory, "f", "{}", id="call_2").reasoning_content is None
    assert mended(memory, "f", "{}", id=None).reasoning_content is None


def test_what_was_never_called_stays_as_it_is() -> None:
    memory = ReplyMemory()
    assert mended(memory, "f", '{"a":1}').tool_calls[0].arguments == '{"a":1}'
    plain = Message(role="assistant", content="hello")
    assert memory.restored(Request(model=None, messages=(plain,))).messages == (plain,)


def test_calls_that_nobody_asks_for_again_are_bounded() -> None:
    memory = ReplyMemory()
    for n in range(MOST_UNREAD + 1):
        memory.made.append(made("f", f'{{"a": {n}, "b": 0}}'))
    found = [mended(memory, "f", f'{{"b":0,"a":{n}}}').tool_calls[0] for n in (0, 1)]
    assert [call.arguments.startswith('{"a"') for call in found] == [False, True]


def test_the_oldest_is_forgotten_when_there_is_too_much() -> None:
    memory = ReplyMemory(most_characters=100)
    for n in range(5):
        memory.made.append(made("f", f'{{"a": {n}, "b": 22222222}}'))
    memory.made.append(made("f", '{"a": 4, "b": 22222222}'))
    found = [mended(memory, "f", f'{{"b":22222222,"a":{n}}}').tool_calls[0] for n in range(5)]
    assert [call.arguments.startswith('{"a"') for call in found] == [False] * 3 + [True] * 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_order_and_spacing_never_matter(arguments: dict[str, Any]) -> None:
    memory = ReplyMemory()
    said = json.dumps(arguments)
    memory.made.append(made("f", said))
    shuffled = dict(reversed(arguments.items()))
    written = json.dumps(shuffled, ensure_ascii=False, separators=(",", ":"))
    assert mended(memory, "f", written).tool_calls[0].arguments == said
