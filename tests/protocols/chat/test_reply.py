"""The contract of chat completion chunks, and the reply as a fold over the same events."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

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
from gguf_fc.job import Done, FinishReason
from gguf_fc.protocols.chat.reply import ChatReply, ChatStream
from gguf_fc.protocols.chat.request import ChatAsked
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.request import Request
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

ENVELOPE = Envelope(id="chatcmpl-1", created=1, model="demo")


def done(reason: FinishReason = "stop") -> Done:
    return Done(
        id="chatcmpl-1",
        finish_reason=reason,
        prompt_tokens=7,
        cached_tokens=3,
        completion_tokens=5,
        forced_tokens=2,
        decode_steps=3,
        prompt_ms=1.0,
        completion_ms=2.0,
    )


TEXT: list[Event] = [TextDelta("Hel"), TextDelta("lo"), Finish(done())]
TWO_CALLS: list[Event] = [
    ReasoningDelta("hm"),
    TextDelta("Let me see."),
    CallStart(0, "a", "f"),
    CallDelta(0, '{"x": '),
    CallDelta(0, "1}"),
    CallEnd(0),
    CallStart(1, "b", "g"),
    CallDelta(1, "{}"),
    CallEnd(1),
    Finish(done()),
]
CUT_OFF: list[Event] = [
    CallStart(0, "a", "f"),
    CallDelta(0, "{}"),
    CallEnd(0),
    CallStart(1, "b", "g"),
    CallDelta(1, '{"x'),
    Finish(done("length")),
]


def asked(n: int = 1, *, include_usage: bool = False) -> ChatAsked:
    return ChatAsked(requests=(Request(model=None, messages=()),) * n, include_usage=include_usage)


def stream(events: list[Event], *, include_usage: bool = False) -> list[dict[str, Any]]:
    encoder = ChatStream(asked(include_usage=include_usage), ENVELOPE)
    during = (chunk for event in events for chunk in encoder.encode(0, event))
    return [*encoder.begin(), *during, *encoder.end()]


def fold(events: list[Event]) -> dict[str, Any]:
    reply = ChatReply(asked(), ENVELOPE)
    for event in events:
        reply.add(0, event)
    return reply.result()


def deltas(events: list[Event]) -> list[dict[str, Any]]:
    return [chunk["choices"][0]["delta"] for chunk in stream(events)]


def test_the_first_delta_has_the_role_and_nothing_said() -> None:
    assert deltas(TEXT)[0] == {"role": "assistant", "refusal": None, "content": None}


def test_text_arrives_as_content() -> None:
    assert deltas(TEXT)[1:] == [{"content": "Hel"}, {"content": "lo"}, {}]


def test_a_call_opens_once_and_its_later_deltas_carry_only_index_and_arguments() -> None:
    assert [delta["tool_calls"][0] for delta in deltas(TWO_CALLS) if "tool_calls" in delta] == [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x": '}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 1, "function": {"arguments": "{}"}},
    ]


@pytest.mark.parametrize(
    ("events", "expected"), [(TEXT, "stop"), (TWO_CALLS, "tool_calls"), (CUT_OFF, "length")]
)
def test_exactly_one_chunk_has_a_finish_reason_and_it_is_the_reply_s(
    events: list[Event], expected: str
) -> None:
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in stream(events)]
    assert [reason for reason in reasons if reason] == [expected]
    assert reasons[-1] == expected
    assert fold(events)["choices"][0]["finish_reason"] == expected


def test_usage_comes_last_without_choices_and_only_if_asked_for() -> None:
    *rest, last = stream(TEXT, include_usage=True)
    assert all("usage" not in chunk for chunk in rest)
    assert last["choices"] == []
    assert last["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 5,
        "total_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def test_one_stream_has_one_id_and_one_time() -> None:
    chunks = stream(TWO_CALLS, include_usage=True)
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-1", 1, "demo")
    }


@pytest.mark.parametrize("events", [TEXT, TWO_CALLS, CUT_OFF])
def test_the_official_client_can_read_every_object(events: list[Event]) -> None:
    for chunk in stream(events, include_usage=True):
        ChatCompletionChunk.model_validate(chunk)
    ChatCompletion.model_validate(fold(events))


def test_a_reply_with_calls_has_their_arguments_joined() -> None:
    message = fold(TWO_CALLS)["choices"][0]["message"]
    assert message["content"] == "Let me see."
    assert message["reasoning_content"] == "hm"
    assert [call["function"] for call in message["tool_calls"]] == [
        {"name": "f", "arguments": '{"x": 1}'},
        {"name": "g", "arguments": "{}"},
    ]


def test_content_is_null_beside_calls_only() -> None:
    only_call: list[Event] = [
        CallStart(0, "a", "f"),
        CallDelta(0, "{}"),
        CallEnd(0),
        Finish(done()),
    ]
    assert fold(only_call)["choices"][0]["message"]["content"] is None
    assert fold([Finish(done())])["choices"][0]["message"]["content"] == ""


def test_a_call_that_was_cut_off_is_left_out_of_a_whole_reply() -> None:
    message = fold(CUT_OFF)["choices"][0]["message"]
    assert [call["id"] for call in message["tool_calls"]] == ["a"]


def test_checks_are_shown_beside_the_protocol_in_the_last_chunk_and_the_reply() -> None:
    checks = (Check("tool_calls[0]", "valid"), Check("content", "invalid", "$: too long"))
    shown = [
        {"subject": "tool_calls[0]", "result": "valid"},
        {"subject": "content", "result": "invalid", "reason": "$: too long"},
    ]
    stream, reply = ChatStream(asked(), ENVELOPE), ChatReply(asked(), ENVELOPE)
    (last,) = stream.encode(0, Finish(done(), checks))
    reply.add(0, Finish(done(), checks))
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["validation"] == reply.result()["validation"] == shown
    ChatCompletionChunk.model_validate(last)
    ChatCompletion.model_validate(reply.result())


def test_each_choice_has_its_own_chunks_and_one_finish_reason() -> None:
    two = asked(2, include_usage=True)
    encoder, reply = ChatStream(two, ENVELOPE), ChatReply(two, ENVELOPE)
    chunks = list(encoder.begin())
    for choice, events in enumerate((TEXT, TWO_CALLS)):
        for event in events:
            chunks += encoder.encode(choice, event)
            reply.add(choice, event)
    (last,) = encoder.end()
    ends = [
        (chunk["choices"][0]["index"], reason)
        for chunk in chunks
        if (reason := chunk["choices"][0]["finish_reason"])
    ]
    assert ends == [(0, "stop"), (1, "tool_calls")]
    whole = reply.result()
    assert [choice["finish_reason"] for choice in whole["choices"]] == ["stop", "tool_calls"]
    assert whole["usage"] == last["usage"]
    assert whole["usage"]["prompt_tokens"] == 7
    assert whole["usage"]["completion_tokens"] == 10


def scores(*texts: str) -> Scores:
    other = ScoredToken(tuple(b"?"), float("-inf"))
    return Scores(tuple(TokenLogprob(tuple(t.encode()), -0.5, (other,)) for t in texts))


SCORED: list[Event] = [
    scores("<", "call"),
    scores(">"),
    CallStart(0, "a", "f"),
    scores("{}"),
    CallDelta(0, "{}"),
    CallEnd(0),
    scores("\n"),
    Finish(done()),
]


def test_every_token_s_score_is_sent_once_with_the_next_chunk() -> None:
    sent = [chunk["choices"][0]["logprobs"] for chunk in stream(SCORED)]
    tokens = [[token["token"] for token in one["content"]] if one else None for one in sent]
    assert tokens == [None, ["<", "call", ">"], ["{}"], ["\n"]]
    folded = fold(SCORED)["choices"][0]["logprobs"]["content"]
    assert [token["token"] for token in folded] == ["<", "call", ">", "{}", "\n"]
    assert folded[0] == {
        "token": "<",
        "logprob": -0.5,
        "bytes": [60],
        "top_logprobs": [{"token": "?", "logprob": -9999.0, "bytes": [63]}],
    }


def test_the_official_client_can_read_scores() -> None:
    for chunk in stream(SCORED):
        ChatCompletionChunk.model_validate(chunk)
    ChatCompletion.model_validate(fold(SCORED))


def test_what_was_reasoned_and_predicted_is_counted_over_all_choices() -> None:
    end = dataclasses.replace(done(), drafted_predictions=4, accepted_predictions=3)
    reply = ChatReply(asked(), ENVELOPE)
    reply.add(0, Finish(end, reasoning_tokens=2))
    reply.add(1, Finish(end, reasoning_tokens=1))
    assert reply.result()["usage"]["completion_tokens_details"] == {
        "reasoning_tokens": 3,
        "accepted_prediction_tokens": 6,
        "rejected_prediction_tokens": 2,
    }
