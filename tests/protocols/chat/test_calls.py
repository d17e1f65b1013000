"""Calls in each form a chat completion can have, against the official client's types."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessageCustomToolCall,
    ChatCompletionMessageFunctionToolCall,
)

from gguf_fc.events import CallDelta, CallEnd, CallStart, Event, Finish, TextDelta
from gguf_fc.job import Done, FinishReason
from gguf_fc.protocols.chat.calls import CallForm
from gguf_fc.protocols.chat.reply import ChatReply, ChatStream, writer_of
from gguf_fc.protocols.chat.request import ChatAsked
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.request import Request

ENVELOPE = Envelope(id="chatcmpl-1", created=1, model="demo")
LEGACY = CallForm(legacy=True)
CUSTOM = CallForm(custom=frozenset({"shell"}))


def finish(reason: FinishReason = "stop") -> Finish:
    return Finish(
        Done(
            id="1",
            finish_reason=reason,
            prompt_tokens=1,
            cached_tokens=0,
            completion_tokens=1,
            forced_tokens=0,
            decode_steps=1,
            prompt_ms=0,
            completion_ms=0,
        )
    )


def call(index: int, name: str, *pieces: str, whole: bool = True) -> list[Event]:
    deltas = [CallDelta(index, piece) for piece in pieces]
    return [CallStart(index, f"id{index}", name), *deltas, *[CallEnd(index)] * whole]


def asked(form: CallForm, n: int = 1) -> ChatAsked:
    return ChatAsked(requests=(Request(model=None, messages=()),) * n, form=form)


def streamed(form: CallForm, events: list[Event]) -> list[dict[str, Any]]:
    """The deltas between the role and the end, and the last chunk's choice."""
    encoder = ChatStream(asked(form), ENVELOPE)
    chunks = [*encoder.begin(), *(c for event in events for c in encoder.encode(0, event))]
    # The official client has no type for a custom call in a stream, though it sends such tools.
    for chunk in chunks if not form.custom else ():
        ChatCompletionChunk.model_validate(chunk)
    return [chunk["choices"][0] for chunk in chunks[1:]]


def whole(form: CallForm, events: list[Event]) -> dict[str, Any]:
    reply = ChatReply(asked(form), ENVELOPE)
    for event in events:
        reply.add(0, event)
    result = reply.result()
    ChatCompletion.model_validate(result)
    choice: dict[str, Any] = result["choices"][0]
    return choice


def test_a_legacy_call_has_no_id_and_a_finish_reason_of_its_own() -> None:
    events = [TextDelta("so"), *call(0, "f", '{"x":', "1}"), finish()]
    *deltas, last = streamed(LEGACY, events)
    assert [one["delta"] for one in deltas] == [
        {"content": "so"},
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": '{"x":'}},
        {"function_call": {"arguments": "1}"}},
    ]
    assert last["finish_reason"] == "function_call"
    choice = whole(LEGACY, events)
    assert choice["finish_reason"] == "function_call"
    assert choice["message"] == {
        "role": "assistant",
        "refusal": None,
        "content": "so",
        "function_call": {"name": "f", "arguments": '{"x":1}'},
    }


def test_a_legacy_reply_without_a_call_is_an_ordinary_one() -> None:
    assert whole(LEGACY, [TextDelta("so"), finish()])["finish_reason"] == "stop"


def test_a_legacy_call_that_was_cut_off_is_left_out() -> None:
    events = [*call(0, "f", '{"x', whole=False), finish("length")]
    choice = whole(LEGACY, events)
    assert choice["finish_reason"] == "length"
    assert "function_call" not in choice["message"]
    assert streamed(LEGACY, events)[-1]["finish_reason"] == "length"


def test_a_custom_tool_is_told_its_text() -> None:
    events = [*call(0, "shell", '{"input": "ls', ' \\"a\\""}'), *call(1, "f", "{}"), finish()]
    *deltas, last = streamed(CUSTOM, events)
    assert [one["delta"]["tool_calls"][0] for one in deltas] == [
        {"index": 0, "id": "id0", "type": "custom", "custom": {"name": "shell", "input": ""}},
        {"index": 0, "custom": {"input": 'ls "a"'}},
        {"index": 1, "id": "id1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]
    assert last["finish_reason"] == "tool_calls"
    custom, function = whole(CUSTOM, events)["message"]["tool_calls"]
    assert ChatCompletionMessageCustomToolCall.model_validate(custom).custom.input == 'ls "a"'
    ChatCompletionMessageFunctionToolCall.model_validate(function)


def test_the_text_of_a_custom_call_that_was_cut_off_is_never_told() -> None:
    events = [*call(0, "shell", '{"input": "l', whole=False), finish("length")]
    opening, last = streamed(CUSTOM, events)
    assert opening["delta"]["tool_calls"][0]["custom"] == {"name": "shell", "input": ""}
    assert (last["delta"], last["finish_reason"]) == ({}, "length")
    assert "tool_calls" not in whole(CUSTOM, events)["message"]


@pytest.mark.parametrize("form", [LEGACY, CUSTOM, CallForm()])
def test_each_choice_has_its_own_calls(form: CallForm) -> None:
    encoder = ChatStream(asked(form, 2), ENVELOPE)
    reply = ChatReply(asked(form, 2), ENVELOPE)
    for choice, name in ((0, "f"), (1, "shell")):
        for event in [*call(0, name, '{"input":""}'), finish()]:
            reply.add(choice, event)
            reasons = [c["choices"][0] for c in encoder.encode(choice, event)]
            if isinstance(event, Finish):
                assert reasons[0]["index"] == choice
                assert reasons[0]["finish_reason"] == writer_of(form).finish
    names = [str(choice["message"]) for choice in reply.result()["choices"]]
    assert "'f'" in names[0]
    assert "'shell'" in names[1]
