"""The contract of the Messages stream, and a message as a fold over the same events."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given, settings
from pydantic import TypeAdapter

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.protocols.messages.reply import MessageReply, MessageStream
from gguf_fc.protocols.messages.request import Manner
from gguf_fc.protocols.protocol import Envelope
from tests.support.endings import done
from tests.support.replies import replies

ENVELOPE = Envelope("msg_1", 1, "demo", prompt_tokens=7)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)

TEXT: list[Event] = [TextDelta("Hel"), TextDelta("lo"), Finish(done(), reasoning_tokens=2)]
TWO_CALLS: list[Event] = [
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    TextDelta("Let me see."),
    CallStart(0, "a", "f"),
    CallDelta(0, '{"x": '),
    CallDelta(0, "1}"),
    CallEnd(0),
    CallStart(1, "b", "g"),
    CallDelta(1, "{}"),
    CallEnd(1),
    TextDelta("There."),
    Finish(done()),
]
CUT_OFF: list[Event] = [
    CallStart(0, "a", "f"),
    CallDelta(0, "{}"),
    CallEnd(0),
    CallStart(1, "b", "g"),
    CallDelta(1, '{"x'),
    Finish(done("length", completion_tokens=5)),
]
ALL = [TEXT, TWO_CALLS, CUT_OFF, [Finish(done())], [ReasoningDelta("hm"), Finish(done())]]


def stream(events: list[Event], manner: Manner | None = None) -> list[dict[str, Any]]:
    stream = MessageStream(ENVELOPE, manner or Manner())
    middle = [data for event in events for data in stream.encode(0, event)]
    return [*stream.begin(), *middle, *stream.end()]


def fold(events: list[Event], manner: Manner | None = None) -> dict[str, Any]:
    reply = MessageReply(ENVELOPE, manner or Manner())
    for event in events:
        reply.add(0, event)
    whole: dict[str, Any] = orjson.loads(orjson.dumps(reply.result()))
    return whole


def accumulated(events: list[dict[str, Any]]) -> Message:
    """The message as the official client puts it together."""
    snapshot: Any = None
    pieces: dict[int, bytes] = {}
    for event in events:
        snapshot = accumulate_event(
            event=EVENT.validate_python(event), current_snapshot=snapshot, json_bufs=pieces
        )
    return Message.model_validate(snapshot.model_dump())


@pytest.mark.parametrize("events", ALL)
def test_every_event_is_one_of_the_official_client_s(events: list[Event]) -> None:
    for event in stream(events):
        EVENT.validate_python(event, strict=True)
    Message.model_validate(fold(events), strict=True)


@pytest.mark.parametrize("events", [TEXT, TWO_CALLS])
def test_the_official_client_puts_together_what_is_sent_whole(events: list[Event]) -> None:
    whole = Message.model_validate(fold(events))
    together = accumulated(stream(events))
    assert together.model_dump(exclude_none=True) == whole.model_dump(exclude_none=True)


def test_a_stream_of_text_word_for_word() -> None:
    start: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "demo",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 0},
    }
    usage = {
        "input_tokens": 4,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 3,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
    }
    empty = {"type": "text", "text": ""}
    assert stream(TEXT) == [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": usage,
        },
        {"type": "message_stop"},
    ]


def test_blocks_follow_each_other_and_never_overlap() -> None:
    seen = [
        (event["type"].removeprefix("content_block_"), event["index"])
        for event in stream(TWO_CALLS)
        if event["type"].startswith("content_block")
    ]
    expected = []
    for index in range(5):
        deltas = [at for kind, at in seen if kind == "delta" and at == index]
        expected += [("start", index), *(("delta", at) for at in deltas), ("stop", index)]
    assert seen == expected


def test_a_call_is_a_block_that_opens_without_its_arguments() -> None:
    start, first, second, stop = [event for event in stream(TWO_CALLS) if event.get("index") == 2]
    assert start["content_block"] == {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    assert first["delta"] == {"type": "input_json_delta", "partial_json": '{"x": '}
    assert second["delta"] == {"type": "input_json_delta", "partial_json": "1}"}
    assert stop == {"type": "content_block_stop", "index": 2}


def test_a_message_has_all_blocks_in_their_order() -> None:
    assert fold(TWO_CALLS)["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "shown"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b", "name": "g", "input": {}},
        {"type": "text", "text": "There."},
    ]


def test_numbers_in_arguments_stay_as_the_model_wrote_them() -> None:
    number = "123456789012345678901234567890.10"
    reply = MessageReply(ENVELOPE, Manner())
    for event in (CallStart(0, "a", "f"), CallDelta(0, f'{{"n": {number}}}'), CallEnd(0)):
        reply.add(0, event)
    reply.add(0, Finish(done()))
    assert number in orjson.dumps(reply.result()).decode()


def test_a_call_that_was_cut_off_is_not_reported_as_complete() -> None:
    events = stream(CUT_OFF)
    stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert stops == [0]
    assert [block["id"] for block in fold(CUT_OFF)["content"]] == ["a"]


def test_reasoning_ends_with_its_signature() -> None:
    kinds = [event["delta"]["type"] for event in stream(TWO_CALLS)[2:] if event.get("index") == 0
             and "delta" in event]  # fmt: skip
    assert kinds == ["thinking_delta", "thinking_delta", "signature_delta"]


def test_reasoning_that_is_omitted_travels_in_its_signature() -> None:
    manner = Manner(omits_thinking=True)
    block, *_ = fold(TWO_CALLS, manner)["content"]
    assert block == {"type": "thinking", "thinking": "", "signature": "omitted:aG0="}
    assert not any("thinking_delta" in str(data) for data in stream(TWO_CALLS, manner))


@pytest.mark.parametrize(
    ("events", "max_tokens", "expected"),
    [
        (TEXT, 9, ("end_turn", None)),
        (TWO_CALLS, 9, ("tool_use", None)),
        (CUT_OFF, 5, ("max_tokens", None)),
        (CUT_OFF, 9, ("model_context_window_exceeded", None)),
        ([Finish(done(stop_string="END"))], 9, ("stop_sequence", "END")),
        ([*TWO_CALLS[:-1], Finish(done(stop_string="END"))], 9, ("tool_use", None)),
    ],
)
def test_the_stop_reason_is_said_once_and_is_the_message_s(
    events: list[Event], max_tokens: int, expected: tuple[str, str | None]
) -> None:
    manner = Manner(max_tokens=max_tokens)
    said = [event["delta"] for event in stream(events, manner) if event["type"] == "message_delta"]
    assert said == [dict(zip(("stop_reason", "stop_sequence"), expected, strict=True))]
    whole = fold(events, manner)
    assert (whole["stop_reason"], whole["stop_sequence"]) == expected


def test_what_the_checks_found_and_what_is_not_enforced_is_told() -> None:
    checked: Event = Finish(done(), (Check("content", "invalid", "no"),))
    reply = MessageReply(Envelope("msg_1", 1, "demo", loosened=("tools[0]:if",)), Manner())
    reply.add(0, checked)
    found = [{"subject": "content", "result": "invalid", "reason": "no"}]
    assert reply.result()["validation"] == found
    assert reply.result()["loosened"] == ["tools[0]:if"]
    assert stream([checked])[-2]["validation"] == found


@settings(derandomize=True, max_examples=150, deadline=None)
@given(replies())
def test_any_reply_is_the_same_streamed_and_whole_to_the_official_client(
    events: list[Event],
) -> None:
    whole = Message.model_validate(fold(events), strict=True)
    together = accumulated(stream(events))
    assert together.model_dump(exclude_none=True) == whole.model_dump(exclude_none=True)
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert "".join(block.text for block in whole.content if block.type == "text") == said
    thought = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert "".join(b.thinking for b in whole.content if b.type == "thinking") == thought
