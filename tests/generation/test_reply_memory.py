"""A conversation comes back as it was said, whatever a client made of its writing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.events import CallDelta, CallEnd, CallStart, Event, ReasoningDelta, TextDelta
from gguf_fc.generation.generation import Generation
from gguf_fc.generation.reply_memory import ReplyMemory
from gguf_fc.request import Message, Request, ToolCall

SAID = '{"city": "Paris", "days": 3, "units": ["c", "f"]}'


def call_events(name: str, arguments: str, call_id: str = "call_1") -> list[Event]:
    half = len(arguments) // 2
    return [
        CallStart(0, call_id, name),
        CallDelta(0, arguments[:half]),
        CallDelta(0, arguments[half:]),
        CallEnd(0),
    ]


def hear(memory: ReplyMemory, events: Sequence[Event]) -> None:
    """Let *memory* listen to a reply; nothing of it may change."""

    async def said() -> AsyncGenerator[tuple[int, Event]]:
        for event in events:
            yield 0, event

    @asynccontextmanager
    async def answer() -> AsyncIterator[Generation]:
        yield Generation("id", "model", 1, (), said())

    async def listen() -> list[Event]:
        async with memory.listen(answer()) as heard:
            return [event async for _, event in heard.events]

    assert asyncio.run(listen()) == list(events)


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
    hear(memory, call_events("weather", SAID))
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
    hear(memory, call_events("weather", SAID))
    assert mended(memory, name, written).tool_calls[0].arguments == written


def test_reasoning_that_was_dropped_comes_back_with_the_call_it_led_to() -> None:
    memory = ReplyMemory()
    hear(memory, [ReasoningDelta("Let me "), ReasoningDelta("see."), *call_events("f", "{}")])
    assert mended(memory, "f", "{}").reasoning_content == "Let me see."
    assert mended(memory, "f", "{}", reasoning_content="mine").reasoning_content == "mine"
    assert mended(memory, "f", "{}", reasoning_content="").reasoning_content == ""
    assert mended(memory, "f", "{}", id="call_2").reasoning_content is None
    assert mended(memory, "f", "{}", id=None).reasoning_content is None


def test_a_call_that_was_cut_off_and_plain_text_are_not_remembered() -> None:
    memory = ReplyMemory()
    hear(memory, [TextDelta("hello"), *call_events("f", '{"a": 1}')[:-1]])
    assert mended(memory, "f", '{"a":1}').tool_calls[0].arguments == '{"a":1}'
    plain = Message(role="assistant", content="hello")
    assert memory.restored(Request(model=None, messages=(plain,))).messages == (plain,)


def test_the_oldest_is_forgotten_when_there_is_too_much() -> None:
    memory = ReplyMemory(most_characters=100)
    for n in range(5):
        hear(memory, call_events("f", f'{{"a": {n}, "b": 22222222}}'))
    hear(memory, call_events("f", '{"a": 4, "b": 22222222}'))
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
    hear(memory, call_events("f", said))
    shuffled = dict(reversed(arguments.items()))
    written = json.dumps(shuffled, ensure_ascii=False, separators=(",", ":"))
    assert mended(memory, "f", written).tool_calls[0].arguments == said
