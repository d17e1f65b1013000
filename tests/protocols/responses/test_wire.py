"""Events of a stream, whole responses, and what is kept of either."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest

from gguf_fc.errors import EngineError
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.job import Done
from gguf_fc.protocols.protocol import Envelope, Framing, Wire, WireStream
from gguf_fc.protocols.responses.request import ResponsesAsked, ResponsesReader
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.wire import responses_wire
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


@dataclass(frozen=True)
class Kept:
    """The protocol, and the store behind it."""

    store: ResponseStore
    wire: Wire[ResponsesAsked]


@pytest.fixture
def kept() -> Kept:
    numbers = count(1)
    pool = Application([entry("demo", Path("demo.gguf"))]).pool
    store = ResponseStore()
    reader = ResponsesReader(pool, store, lambda prefix: f"{prefix}{next(numbers)}")
    return Kept(store, responses_wire(reader, lambda: 2.0))


def stream(kept: Kept, **fields: Any) -> WireStream:
    return kept.wire.stream(kept.wire.read(orjson.dumps({"input": "Hi", **fields})), ENVELOPE)


def events_of(one: WireStream) -> list[dict[str, Any]]:
    encoded = [data for event in EVENTS for data in one.encode(0, event)]
    return [*one.begin(), *encoded, *one.end()]


def test_each_frame_has_the_name_of_its_event(kept: Kept) -> None:
    assert kept.wire.framing == Framing(form="named events")
    kinds = [event["type"] for event in events_of(stream(kept))]
    assert kinds[0] != kinds[-1] == "response.completed"


def test_a_whole_response_is_the_one_that_is_streamed(kept: Kept) -> None:
    asked = kept.wire.read(orjson.dumps({"input": "Hi"}))
    reply = kept.wire.reply(asked, ENVELOPE)
    for event in EVENTS:
        reply.add(0, event)
    streamed = events_of(kept.wire.stream(asked, ENVELOPE))[-1]["response"]
    whole = reply.result()
    for response in (streamed, whole):
        response["output"][0].pop("id")
    assert streamed == whole


@pytest.mark.parametrize("fields", [{}, {"store": True}, {"store": None}])
def test_a_response_is_kept_before_its_last_event_is_sent(
    kept: Kept, fields: dict[str, Any]
) -> None:
    one = stream(kept, **fields)
    for event in EVENTS[:-1]:
        list(one.encode(0, event))
    assert kept.store.get("resp_1") is None
    last = list(one.encode(0, END))[-1]
    stored = kept.store.get("resp_1")
    assert stored is not None
    assert stored.response == last["response"]
    assert [item.id for item in stored.conversation] == ["msg_1", "msg_2"]


def test_a_response_that_is_not_to_be_kept_is_not(kept: Kept) -> None:
    events_of(stream(kept, store=False))
    assert len(kept.store) == 0


def test_a_stream_that_goes_wrong_ends_with_the_failure_which_is_kept(kept: Kept) -> None:
    one = stream(kept)
    before = [*one.begin(), *one.encode(0, TextDelta("Hel"))]
    last = one.fail(EngineError("gone"))
    assert last["type"] == "response.failed"
    assert last["sequence_number"] == len(before)
    stored = kept.store.get("resp_1")
    assert stored is not None
    assert stored.response["error"]["message"] == "gone"
    assert [item.id for item in stored.conversation] == ["msg_1"]


def test_an_error_before_the_response_is_one_event(kept: Kept) -> None:
    only = kept.wire.error_event(EngineError("gone"))
    assert (only["type"], only["message"], only["sequence_number"]) == ("error", "gone", 0)


def test_what_had_no_effect_is_named(kept: Kept) -> None:
    body = {
        "input": [{"type": "web_search_call"}, {"role": "user", "content": "Hi", "extra": 1}],
        "user": "me",
        "tools": [{"type": "web_search"}],
    }
    ignored = kept.wire.read(orjson.dumps(body)).ignored
    assert ignored == ("user", "input[*].extra", "input[0]", "tools[0]")
