"""Frames of a stream, whole responses, and what is kept of either."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from gguf_fc.errors import EngineError
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.job import Done
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.protocols.responses.reply import ResponsesStream
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.wire import ResponsesWire
from tests.support.serving import Application, entry

END = Finish(
    Done(
        id="resp_1",
        finish_reason="stop",
        prompt_tokens=7,
        cached_tokens=3,
        completion_tokens=5,
        forced_tokens=2,
        decode_steps=3,
        prompt_ms=1.0,
        completion_ms=2.0,
    )
)
EVENTS: list[Event] = [TextDelta("Hel"), TextDelta("lo"), END]
ENVELOPE = Envelope("resp_1", 1, "demo")


@pytest.fixture
def wire() -> ResponsesWire:
    numbers = count(1)
    return ResponsesWire(
        pool=Application([entry("demo", Path("demo.gguf"))]).pool,
        store=ResponseStore(),
        new_id=lambda prefix: f"{prefix}{next(numbers)}",
        clock=lambda: 2.0,
    )


def stream(wire: ResponsesWire, **fields: Any) -> ResponsesStream:
    return wire.stream(wire.read(orjson.dumps({"input": "Hi", **fields}), {}), ENVELOPE)


def read(frames: list[bytes]) -> list[dict[str, Any]]:
    """The events of *frames*, each of which names its kind twice."""
    found = []
    for frame in frames:
        name, data, *rest = frame.decode().split("\n")
        assert rest == ["", ""]
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def frames_of(one: ResponsesStream) -> list[bytes]:
    encoded = [frame for event in EVENTS for frame in one.encode(0, event)]
    return [*one.begin(), *encoded, *one.end()]


def test_each_frame_has_the_name_of_its_event(wire: ResponsesWire) -> None:
    kinds = [event["type"] for event in read(frames_of(stream(wire)))]
    assert kinds[0] != kinds[-1] == "response.completed"


def test_a_whole_response_is_the_one_that_is_streamed(wire: ResponsesWire) -> None:
    asked = wire.read(orjson.dumps({"input": "Hi"}), {})
    reply = wire.reply(asked, ENVELOPE)
    for event in EVENTS:
        reply.add(0, event)
    streamed = read(frames_of(wire.stream(asked, ENVELOPE)))[-1]["response"]
    whole = reply.result()
    for response in (streamed, whole):
        response["output"][0].pop("id")
    assert streamed == whole


@pytest.mark.parametrize("fields", [{}, {"store": True}, {"store": None}])
def test_a_response_is_kept_before_its_last_event_is_sent(
    wire: ResponsesWire, fields: dict[str, Any]
) -> None:
    one = stream(wire, **fields)
    for event in EVENTS[:-1]:
        list(one.encode(0, event))
    assert wire.store.get("resp_1") is None
    last = read(list(one.encode(0, END)))[-1]
    kept = wire.store.get("resp_1")
    assert kept is not None
    assert kept.response == last["response"]
    assert [item.id for item in kept.conversation] == ["msg_1", "msg_2"]


def test_a_response_that_is_not_to_be_kept_is_not(wire: ResponsesWire) -> None:
    frames_of(stream(wire, store=False))
    assert len(wire.store) == 0


def test_a_stream_that_goes_wrong_ends_with_the_failure_which_is_kept(wire: ResponsesWire) -> None:
    one = stream(wire)
    before = [*one.begin(), *one.encode(0, TextDelta("Hel"))]
    (last,) = read([one.error_frame(EngineError("gone"))])
    assert last["type"] == "response.failed"
    assert last["sequence_number"] == len(before)
    kept = wire.store.get("resp_1")
    assert kept is not None
    assert kept.response["error"]["message"] == "gone"
    assert [item.id for item in kept.conversation] == ["msg_1"]


def test_an_error_before_the_response_is_one_event(wire: ResponsesWire) -> None:
    (only,) = read([wire.error_frame(EngineError("gone"))])
    assert (only["type"], only["message"], only["sequence_number"]) == ("error", "gone", 0)


def test_what_had_no_effect_is_named(wire: ResponsesWire) -> None:
    body = {
        "input": [{"type": "web_search_call"}, {"role": "user", "content": "Hi", "extra": 1}],
        "user": "me",
        "tools": [{"type": "web_search"}],
    }
    ignored = wire.read(orjson.dumps(body), {}).ignored
    assert ignored == ("user", "input[*].extra", "input[0]", "tools[0]")
