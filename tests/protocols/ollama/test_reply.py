"""The contract of Ollama's lines, and a reply as a fold over them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from ollama import ChatResponse, GenerateResponse

from gguf_fc.errors import EngineError
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
from gguf_fc.protocols.ollama.reply import OllamaKind, OllamaReply, OllamaStream
from gguf_fc.protocols.ollama.wire import ollama_wire
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob
from tests.support.endings import done
from tests.support.replies import replies

ENVELOPE = Envelope("job", 1_700_000_000, "demo")
CREATED = "2023-11-14T22:13:20Z"

TEXT: list[Event] = [TextDelta("Hel"), TextDelta("lo"), Finish(done())]
CALLS: list[Event] = [
    ReasoningDelta("h"),
    ReasoningDelta("m"),
    TextDelta("Let me see."),
    CallStart(0, "a", "f"),
    CallDelta(0, '{"x": '),
    CallDelta(0, "1}"),
    CallEnd(0),
    CallStart(1, "b", "g"),
    CallEnd(1),
    Finish(done()),
]
CUT_OFF: list[Event] = [*CALLS[:-2], CallDelta(1, '{"x'), Finish(done("length"))]
LOADED: list[Event] = []
ENDED = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 4_000_000,
    "load_duration": 0,
    "prompt_eval_count": 7,
    "prompt_eval_duration": 1_500_000,
    "eval_count": 5,
    "eval_duration": 2_500_000,
}


def stream(events: list[Event], kind: OllamaKind = "chat") -> list[dict[str, Any]]:
    encoder = OllamaStream(kind, "demo:latest", ENVELOPE)
    middle = [data for event in events for data in encoder.encode(0, event)]
    found: list[dict[str, Any]] = orjson.loads(
        orjson.dumps([*encoder.begin(), *middle, *encoder.end()])
    )
    return found


def fold(events: list[Event], kind: OllamaKind = "chat") -> dict[str, Any]:
    reply = OllamaReply(kind, "demo:latest", ENVELOPE)
    for event in events:
        reply.add(0, event)
    whole: dict[str, Any] = orjson.loads(orjson.dumps(reply.result()))
    return whole


def line(said: dict[str, Any]) -> dict[str, Any]:
    return {"model": "demo:latest", "created_at": CREATED, **said, "done": False}


def message(content: str, **more: Any) -> dict[str, Any]:
    return line({"message": {"role": "assistant", "content": content, **more}})


@pytest.mark.parametrize("events", [TEXT, CALLS, CUT_OFF, LOADED])
def test_the_official_client_can_read_every_line(events: list[Event]) -> None:
    for data in (*stream(events), fold(events)):
        ChatResponse.model_validate(data, strict=True)


@pytest.mark.parametrize("events", [TEXT, CALLS[:3], LOADED])
def test_the_official_client_can_read_every_line_of_a_prompt_s_reply(events: list[Event]) -> None:
    for data in (*stream(events, "generate"), fold(events, "generate")):
        GenerateResponse.model_validate(data, strict=True)


def test_a_stream_of_text_word_for_word() -> None:
    assert stream(TEXT) == [message("Hel"), message("lo"), message("") | ENDED]
    assert fold(TEXT) == message("Hello") | ENDED


def test_a_reply_to_a_prompt_has_its_text_at_the_top() -> None:
    assert stream(CALLS[1:3], "generate")[:2] == [
        line({"response": "", "thinking": "m"}),
        line({"response": "Let me see."}),
    ]
    whole = fold([*CALLS[:3], Finish(done())], "generate")
    assert whole == line({"response": "Let me see.", "thinking": "hm"}) | ENDED


def test_a_call_is_one_line_when_it_is_complete() -> None:
    first = {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}}
    second = {"id": "b", "function": {"index": 1, "name": "g", "arguments": {}}}
    assert stream(CALLS)[3:5] == [
        message("", tool_calls=[first]),
        message("", tool_calls=[second]),
    ]
    assert fold(CALLS)["message"] == {
        "role": "assistant",
        "content": "Let me see.",
        "thinking": "hm",
        "tool_calls": [first, second],
    }


def test_a_call_that_was_cut_off_is_never_sent() -> None:
    sent = [data["message"].get("tool_calls", []) for data in stream(CUT_OFF)]
    assert [call["id"] for calls in sent for call in calls] == ["a"]
    assert [call["id"] for call in fold(CUT_OFF)["message"]["tool_calls"]] == ["a"]
    assert stream(CUT_OFF)[-1]["done_reason"] == fold(CUT_OFF)["done_reason"] == "length"


def test_exactly_the_last_line_is_done() -> None:
    for events in (TEXT, CALLS, CUT_OFF, LOADED):
        assert [data["done"] for data in stream(events)][-1] is True
        assert not any(data["done"] for data in stream(events)[:-1])


def test_a_model_that_was_only_loaded_says_so() -> None:
    assert stream(LOADED) == [message("") | {"done": True, "done_reason": "load"}]
    assert fold(LOADED) == message("") | {"done": True, "done_reason": "load"}


def test_numbers_in_arguments_stay_as_the_model_wrote_them() -> None:
    number = "123456789012345678901234567890.10"
    encoder = OllamaStream("chat", "demo", ENVELOPE)
    events: list[Event] = [CallStart(0, "a", "f"), CallDelta(0, f'{{"n": {number}}}'), CallEnd(0)]
    sent = [data for event in events for data in encoder.encode(0, event)]
    assert number in orjson.dumps(sent).decode()


def test_scores_stand_with_what_their_tokens_say() -> None:
    token = TokenLogprob(tuple(b"Hel"), -0.5, (ScoredToken(tuple(b"Hel"), -0.5),))
    events: list[Event] = [
        Scores((token,)),
        TextDelta("Hel"),
        Scores((token,)),
        Finish(done()),
    ]
    first, last = stream(events)
    score = {"token": "Hel", "logprob": -0.5, "bytes": [72, 101, 108]}
    assert first["logprobs"] == last["logprobs"] == [score | {"top_logprobs": [score]}]
    assert fold(events)["logprobs"] == first["logprobs"] * 2


def test_what_the_checks_found_and_what_is_not_enforced_is_told() -> None:
    envelope = Envelope("job", 1, "demo", loosened=("tools[0]:if",))
    reply = OllamaReply("chat", "demo", envelope)
    reply.add(0, Finish(done(), (Check("content", "valid"),)))
    assert reply.result()["validation"] == [{"subject": "content", "result": "valid"}]
    assert reply.result()["loosened"] == ["tools[0]:if"]


def test_an_error_in_a_stream_is_its_last_line() -> None:
    assert OllamaStream("chat", "demo", ENVELOPE).fail(EngineError("Alas.")) == {"error": "Alas."}


def test_a_ping_is_a_line_that_says_nothing() -> None:
    pool: Any = None  # nothing is asked of it
    chat = ollama_wire(pool, "chat").framing.ping
    prompt = ollama_wire(pool, "generate").framing.ping
    assert chat
    assert prompt
    assert ChatResponse.model_validate(chat, strict=True).message.content == ""
    assert GenerateResponse.model_validate(prompt, strict=True).response == ""
    assert chat["done"] is prompt["done"] is False


@settings(derandomize=True, max_examples=150, deadline=None)
@given(replies())
def test_any_reply_is_the_same_streamed_and_whole(events: list[Event]) -> None:
    *parts, last = [ChatResponse.model_validate(data, strict=True) for data in stream(events)]
    whole = ChatResponse.model_validate(fold(events), strict=True)
    assert whole.message.content == "".join(part.message.content or "" for part in parts)
    assert (whole.message.thinking or "") == "".join(part.message.thinking or "" for part in parts)
    called = [call for part in parts for call in part.message.tool_calls or []]
    assert (whole.message.tool_calls or []) == called
    assert whole.eval_duration == last.eval_duration
