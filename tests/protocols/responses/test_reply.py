"""The events of a response, as golden lists and against the official client's own types."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, get_args

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from gguf_fc.errors import ContextLengthExceeded, EngineError, GgufFcError, Overloaded
from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Event,
    Finish,
    ReasoningDelta,
    Scores,
    TextDelta,
)
from gguf_fc.job import Done, FinishReason, Sampling
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.protocols.responses.echo import echo
from gguf_fc.protocols.responses.open_items import OutputShape
from gguf_fc.protocols.responses.output import Output
from gguf_fc.protocols.responses.reply import Responder, error_event
from gguf_fc.protocols.responses.request import offers_of, to_request
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

ADAPTER: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CUSTOM = frozenset({"sh"})
CONTENT, SUMMARY = OutputShape(custom=CUSTOM), OutputShape(summary=True, custom=CUSTOM)
SEALED = OutputShape(sealed=True, custom=CUSTOM)


def finish(reason: FinishReason = "stop", *checks: Check) -> Finish:
    done = Done(
        id="resp_1",
        finish_reason=reason,
        prompt_tokens=7,
        cached_tokens=3,
        completion_tokens=5,
        forced_tokens=2,
        decode_steps=3,
        prompt_ms=1.0,
        completion_ms=2.0,
    )
    return Finish(done, checks, reasoning_tokens=2)


TEXT: list[Event] = [TextDelta("Hel"), TextDelta("lo"), finish()]
EVERYTHING: list[Event] = [
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    TextDelta("Let me see."),
    CallStart(0, "call_a", "f"),
    CallDelta(0, '{"x": '),
    CallDelta(0, "1}"),
    CallEnd(0),
    CallStart(1, "call_b", "g"),
    CallDelta(1, "{}"),
    CallEnd(1),
    TextDelta("Done."),
    finish(),
]
CUT_CALL: list[Event] = [
    CallStart(0, "call_a", "f"),
    CallDelta(0, "{}"),
    CallEnd(0),
    CallStart(1, "call_b", "g"),
    CallDelta(1, '{"x'),
    finish("length"),
]
CUT_TEXT: list[Event] = [TextDelta("Once upon"), finish("length")]
CUT_REASONING: list[Event] = [ReasoningDelta("First"), finish("length")]
NOTHING: list[Event] = [finish()]
ONLY_REASONING: list[Event] = [ReasoningDelta("hm"), finish()]
SCORED: list[Event] = [
    Scores((TokenLogprob((72,), -0.5, (ScoredToken((72,), -0.5), ScoredToken((74,), -1.5))),)),
    TextDelta("H"),
    finish(),
]
CUSTOM_CALL: list[Event] = [
    CallStart(0, "call_a", "sh"),
    CallDelta(0, '{"input": "l'),
    CallDelta(0, 's"}'),
    CallEnd(0),
    CallStart(1, "call_b", "f"),
    CallDelta(1, "{}"),
    CallEnd(1),
    finish(),
]
CUT_CUSTOM: list[Event] = [
    CallStart(0, "call_a", "sh"),
    CallDelta(0, '{"input": "l'),
    finish("length"),
]
CASES = {
    "a custom call": CUSTOM_CALL,
    "a cut custom call": CUT_CUSTOM,
    "text": TEXT,
    "everything": EVERYTHING,
    "a cut call": CUT_CALL,
    "cut text": CUT_TEXT,
    "cut reasoning": CUT_REASONING,
    "nothing": NOTHING,
    "only reasoning": ONLY_REASONING,
    "scored": SCORED,
}


def counting() -> Callable[[str], str]:
    numbers = count(1)
    return lambda prefix: f"{prefix}{next(numbers)}"


def responder(shape: OutputShape = CONTENT, **body: Any) -> Responder:
    parsed, _ = RESPONSES.convert({"input": "x", **body})
    request = to_request(parsed, (), Sampling(temperature=0.5), offers_of(parsed))
    envelope = Envelope(id="resp_1", created=1, model="demo")
    return Responder(envelope, echo(parsed, request), Output(counting(), shape), clock=lambda: 2.0)


def sent(events: list[Event], shape: OutputShape = CONTENT, **body: Any) -> list[dict[str, Any]]:
    one = responder(shape, **body)
    return [*one.begin(), *(found for event in events for found in one.encode(event))]


def brief(event: dict[str, Any]) -> tuple[Any, ...]:
    """An event in short: its kind, its place and what it says."""
    kind = event["type"].removeprefix("response.")
    said = [event[name] for name in ("delta", "text", "arguments") if name in event]
    if "item" in event:
        said = [event["item"]["type"], event["item"]["status"]]
    if "part" in event:
        said = [event["part"]["type"], event["part"]["text"]]
    return (event.get("output_index"), kind, *said)


def test_the_events_of_a_text() -> None:
    assert list(map(brief, sent(TEXT))) == [
        (None, "created"),
        (None, "in_progress"),
        (0, "output_item.added", "message", "in_progress"),
        (0, "content_part.added", "output_text", ""),
        (0, "output_text.delta", "Hel"),
        (0, "output_text.delta", "lo"),
        (0, "output_text.done", "Hello"),
        (0, "content_part.done", "output_text", "Hello"),
        (0, "output_item.done", "message", "completed"),
        (None, "completed"),
    ]


def test_the_events_of_reasoning_text_and_calls() -> None:
    assert list(map(brief, sent(EVERYTHING)))[2:-1] == [
        (0, "output_item.added", "reasoning", "in_progress"),
        (0, "content_part.added", "reasoning_text", ""),
        (0, "reasoning_text.delta", "h"),
        (0, "reasoning_text.delta", "m"),
        (0, "reasoning_text.done", "hm"),
        (0, "content_part.done", "reasoning_text", "hm"),
        (0, "output_item.done", "reasoning", "completed"),
        (1, "output_item.added", "message", "in_progress"),
        (1, "content_part.added", "output_text", ""),
        (1, "output_text.delta", "Let me see."),
        (1, "output_text.done", "Let me see."),
        (1, "content_part.done", "output_text", "Let me see."),
        (1, "output_item.done", "message", "completed"),
        (2, "output_item.added", "function_call", "in_progress"),
        (2, "function_call_arguments.delta", '{"x": '),
        (2, "function_call_arguments.delta", "1}"),
        (2, "function_call_arguments.done", '{"x": 1}'),
        (2, "output_item.done", "function_call", "completed"),
        (3, "output_item.added", "function_call", "in_progress"),
        (3, "function_call_arguments.delta", "{}"),
        (3, "function_call_arguments.done", "{}"),
        (3, "output_item.done", "function_call", "completed"),
        (4, "output_item.added", "message", "in_progress"),
        (4, "content_part.added", "output_text", ""),
        (4, "output_text.delta", "Done."),
        (4, "output_text.done", "Done."),
        (4, "content_part.done", "output_text", "Done."),
        (4, "output_item.done", "message", "completed"),
    ]


def test_a_custom_call_tells_its_text_as_it_ends() -> None:
    events = sent(CUSTOM_CALL)
    assert list(map(brief, events))[2:6] == [
        (0, "output_item.added", "custom_tool_call", "in_progress"),
        (0, "custom_tool_call_input.delta", "ls"),
        (0, "custom_tool_call_input.done"),
        (0, "output_item.done", "custom_tool_call", "completed"),
    ]
    assert events[4]["input"] == "ls"
    first, second = events[-1]["response"]["output"]
    assert (first["name"], first["input"]) == ("sh", "ls")
    assert second["type"] == "function_call"


def test_a_custom_call_that_was_cut_off_is_left_out() -> None:
    assert sent(CUT_CUSTOM)[-1]["response"]["output"] == []


def test_reasoning_is_sent_as_its_summary_where_that_is_asked_for() -> None:
    events = sent(ONLY_REASONING, SUMMARY)
    assert list(map(brief, events))[2:7] == [
        (0, "output_item.added", "reasoning", "in_progress"),
        (0, "reasoning_summary_part.added", "summary_text", ""),
        (0, "reasoning_summary_text.delta", "hm"),
        (0, "reasoning_summary_text.done", "hm"),
        (0, "reasoning_summary_part.done", "summary_text", "hm"),
    ]
    assert all(event["summary_index"] == 0 for event in events[3:7])
    item = events[-1]["response"]["output"][0]
    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert "content" not in item


@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_events_are_numbered_from_0_without_a_gap(events: list[Event]) -> None:
    numbers = [event["sequence_number"] for event in sent(events)]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("shape", [CONTENT, SUMMARY, SEALED])
@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_the_official_types_accept_every_event_strictly(
    events: list[Event], shape: OutputShape
) -> None:
    for event in sent(events, shape):
        read = ADAPTER.validate_python(event, strict=True)
        assert unknown_fields(read) <= BESIDE_THE_PROTOCOL
    Response.model_validate(sent(events, shape)[-1]["response"], strict=True)


# ``name`` stands in a call's last arguments for earlier clients: later types have dropped it.
# ``status`` stands in a custom call, as it does where such calls are listed.
BESIDE_THE_PROTOCOL = {"status", "store", "timings", "validation", "name"}


def unknown_fields(model: BaseModel) -> set[str]:
    """The fields of *model*, and of those inside it, that its type does not declare."""
    found = set(model.model_extra or ())
    for value in dict(model).values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                found |= unknown_fields(inner)
    return found


@pytest.mark.parametrize("name", ["everything", "a custom call", "text", "scored", "nothing"])
def test_the_official_stream_helper_adds_the_events_up_to_the_response(name: str) -> None:
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    events = sent(CASES[name])
    for event in events:
        state.handle_event(ADAPTER.validate_python(event))
    completed = state._completed_response
    assert completed is not None
    assert completed.id == "resp_1"
    assert [item.type for item in completed.output] == [
        item["type"] for item in events[-1]["response"]["output"]
    ]


@pytest.mark.parametrize("shape", [CONTENT, SUMMARY, SEALED])
@pytest.mark.parametrize("events", CASES.values(), ids=CASES)
def test_what_is_done_is_what_the_response_holds(events: list[Event], shape: OutputShape) -> None:
    found = sent(events, shape)
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert found[-1]["response"]["output"] == done


def test_a_call_that_was_cut_off_is_never_done_and_not_in_the_response() -> None:
    found = sent(CUT_CALL)
    assert [brief(event) for event in found[-3:]] == [
        (1, "output_item.added", "function_call", "in_progress"),
        (1, "function_call_arguments.delta", '{"x'),
        (None, "incomplete"),
    ]
    response = found[-1]["response"]
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["call_id"] for item in response["output"]] == ["call_a"]


@pytest.mark.parametrize("events", [CUT_TEXT, CUT_REASONING])
def test_what_else_was_cut_off_is_incomplete(events: list[Event]) -> None:
    response = sent(events)[-1]["response"]
    assert [item["status"] for item in response["output"]] == ["incomplete"]


@pytest.mark.parametrize("events", [NOTHING, ONLY_REASONING])
def test_a_response_without_words_has_an_empty_message(events: list[Event]) -> None:
    last = sent(events)[-1]["response"]["output"][-1]
    assert last["type"] == "message"
    assert [part["text"] for part in last["content"]] == [""]


def test_logprobs_stand_with_the_text_they_belong_to() -> None:
    events = sent([Scores((TokenLogprob((104,), -0.1),)), ReasoningDelta("h"), *SCORED])
    likely = [{"token": "H", "logprob": -0.5}, {"token": "J", "logprob": -1.5}]
    token = {**likely[0], "top_logprobs": likely}
    scored = [event["logprobs"] for event in events if "logprobs" in event]
    assert scored == [[token], [token]]
    (part,) = events[-1]["response"]["output"][-1]["content"]
    with_bytes = [{**likely[0], "bytes": [72]}, {**likely[1], "bytes": [74]}]
    assert part["logprobs"] == [{**with_bytes[0], "top_logprobs": with_bytes}]


def test_usage_counts_cached_and_reasoning_tokens() -> None:
    assert sent(TEXT)[-1]["response"]["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 4},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 12,
    }


def test_checks_name_the_place_in_the_output() -> None:
    checks = (Check("tool_calls[1]", "valid"), Check("content", "invalid", "$: too long"))
    response = sent([*EVERYTHING[:-1], finish("stop", *checks)])[-1]["response"]
    assert response["validation"] == [
        {"subject": "output[3]", "result": "valid"},
        {"subject": "output_text", "result": "invalid", "reason": "$: too long"},
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EngineError("gone"), "server_error"),
        (Overloaded("full"), "rate_limit_exceeded"),
        (ContextLengthExceeded("long", param="input"), "invalid_prompt"),
        (ValueError("secret"), "server_error"),
    ],
)
def test_a_response_that_goes_wrong_ends_with_its_failure(error: Exception, code: str) -> None:
    one = responder()
    events = [*one.begin(), *one.encode(TextDelta("Hel")), one.fail(error)]
    assert ADAPTER.validate_python(events[-1], strict=True).type == "response.failed"
    assert events[-1]["sequence_number"] == len(events) - 1
    failed = events[-1]["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", code)
    assert "secret" not in failed["error"]["message"]


@pytest.mark.parametrize("error", [EngineError("gone"), ValueError("secret")])
def test_an_error_without_a_response_is_one_event(error: Exception) -> None:
    event = error_event(error)
    read = ADAPTER.validate_python(event, strict=True)
    assert (read.type, read.sequence_number) == ("error", 0)
    assert read.message == ("gone" if isinstance(error, GgufFcError) else event["message"])
    assert "secret" not in read.message


def test_a_response_repeats_what_was_asked_for() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
    body: dict[str, Any] = {
        "instructions": "Be brief.",
        "max_output_tokens": 9,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "temperature": 0.25,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{"type": "web_search"}, tool],
        "top_logprobs": 2,
        "top_p": 0.5,
    }
    response = sent(TEXT, **body)[0]["response"]
    Response.model_validate(response, strict=True)
    assert response["tools"] == [tool | {"description": None}]
    shown = {name: response[name] for name in body if name not in ("tools", "text")}
    assert shown == {name: body[name] for name in shown}
    assert response["text"]["format"]["strict"] is False
    assert response["text"]["format"]["schema"] == {"type": "object"}


def test_every_kind_of_event_is_known_to_the_official_types() -> None:
    union = get_args(get_args(ResponseStreamEvent)[0])
    known = {get_args(one.model_fields["type"].annotation)[0] for one in union}
    cases = [
        events
        for shape in (CONTENT, SUMMARY)
        for e in CASES.values()
        for events in [sent(e, shape)]
    ]
    assert {event["type"] for events in cases for event in events} <= known
