"""Events to completions, whole and as a stream."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from gguf_fc.events import CallEnd, Check, Event, Finish, Scores, TextDelta
from gguf_fc.job import Done, Sampling
from gguf_fc.protocols.completions.reply import TextReply, TextStream
from gguf_fc.protocols.completions.request import TextAsked, to_asked
from gguf_fc.protocols.completions.schema import TEXT
from gguf_fc.protocols.protocol import Envelope
from gguf_fc.protocols.reply_fields import FINGERPRINT
from gguf_fc.scored_tokens import TokenLogprob

ENVELOPE = Envelope("cmpl-1", 1_700_000_000, "m")


def asked(**fields: Any) -> TextAsked:
    body, ignored = TEXT.parse(orjson.dumps(fields))
    return to_asked(body, ignored, Sampling())


def finish(reason: Any = "stop", n_tokens: int = 3, checks: tuple[Check, ...] = ()) -> Finish:
    done = Done(
        id="x",
        finish_reason=reason,
        prompt_tokens=5,
        cached_tokens=2,
        completion_tokens=n_tokens,
        forced_tokens=0,
        decode_steps=n_tokens,
        prompt_ms=1.0,
        completion_ms=2.0,
    )
    return Finish(done, checks)


def scored(text: str, logprob: float | None = -0.5) -> TokenLogprob:
    return TokenLogprob(tuple(text.encode()), logprob)


def assert_typed(body: dict[str, Any]) -> None:
    """*body* is of the client's type, which leaves out the nulls that the API has always had."""
    body = orjson.loads(orjson.dumps(body))
    for choice in body["choices"]:
        choice["finish_reason"] = choice["finish_reason"] or "stop"
        lists = choice["logprobs"] or {}
        for name, instead in (("token_logprobs", 0.0), ("top_logprobs", {})):
            lists[name] = [instead if item is None else item for item in lists.get(name, [])]
    Completion.model_validate(body)


def whole(wanted: TextAsked, events: list[tuple[int, Event]]) -> dict[str, Any]:
    reply = TextReply(wanted, ENVELOPE)
    for choice, event in events:
        reply.add(choice, event)
    result: dict[str, Any] = orjson.loads(orjson.dumps(reply.result()))
    assert_typed(result)
    return result


def chunks(wanted: TextAsked, events: list[tuple[int, Event]]) -> list[dict[str, Any]]:
    stream = TextStream(wanted, ENVELOPE)
    found: list[dict[str, Any]] = [*stream.begin()]
    for choice, event in events:
        found += stream.encode(choice, event)
    found = orjson.loads(orjson.dumps([*found, *stream.end()]))
    for chunk in found:
        assert_typed(chunk)
    return found


SAID: list[tuple[int, Event]] = [(0, TextDelta("It is")), (0, TextDelta(" sunny")), (0, finish())]


def test_a_whole_completion() -> None:
    assert whole(asked(prompt="a"), SAID) == {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1_700_000_000,
        "system_fingerprint": FINGERPRINT,
        "model": "m",
        "choices": [{"index": 0, "text": "It is sunny", "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 3,
            "total_tokens": 8,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
        "timings": whole(asked(prompt="a"), SAID)["timings"],
    }


def test_a_streamed_completion() -> None:
    wanted = asked(prompt="a", stream=True, stream_options={"include_usage": True})
    *said, usage = chunks(wanted, SAID)
    assert [chunk["choices"] for chunk in said] == [
        [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}]
        for text, reason in [("It is", None), (" sunny", None), ("", "stop")]
    ]
    assert {(chunk["id"], chunk["created"], chunk["object"]) for chunk in [*said, usage]} == {
        ("cmpl-1", 1_700_000_000, "text_completion")
    }
    assert usage["choices"] == []
    assert usage["usage"] == whole(asked(prompt="a"), SAID)["usage"]
    assert all("usage" not in chunk for chunk in chunks(asked(prompt="a", stream=True), SAID))


def test_several_prompts_and_choices_are_counted_once_each() -> None:
    wanted = asked(prompt=["a", "b"], n=2)
    events: list[tuple[int, Event]] = [(n, finish(n_tokens=n)) for n in (3, 1, 0, 2)]
    usage = whole(wanted, events)["usage"]
    assert usage["prompt_tokens"] == 10
    assert usage["completion_tokens"] == 6
    assert usage["prompt_tokens_details"] == {"cached_tokens": 4}


def test_the_best_are_likeliest_on_average_whatever_their_prompt_scored() -> None:
    wanted = asked(prompt=["a", "b"], n=2, best_of=3, echo=True, logprobs=0)
    events: list[tuple[int, Event]] = []
    for choice, logprobs in enumerate([[-9.0], [-1.0, -2.0], [-1.0], [-3.0], [], [-0.1, -9.0]]):
        prompt = "ab"[choice // 3]
        events += [(choice, Scores((scored(prompt, -50.0),))), (choice, TextDelta(prompt))]
        events += [(choice, Scores(tuple(scored("x", value) for value in logprobs)))]
        events += [(choice, TextDelta(str(choice))), (choice, finish())]
    result = whole(wanted, events)
    assert [choice["text"] for choice in result["choices"]] == ["a2", "a1", "b4", "b3"]
    assert [choice["index"] for choice in result["choices"]] == [0, 1, 2, 3]
    assert result["usage"]["completion_tokens"] == 18


@pytest.mark.parametrize("prompt", ["Hi", ""])
def test_an_echoed_prompt_is_scored_apart_from_what_follows(prompt: str) -> None:
    wanted = asked(prompt=prompt, echo=True, logprobs=0)
    events: list[tuple[int, Event]] = [
        (0, Scores((scored("<s>", None), *map(scored, prompt)))),
        (0, TextDelta(prompt)),
        (0, Scores((scored(" you"),))),
        (0, TextDelta(" you")),
        (0, finish("length")),
    ]
    (choice,) = whole(wanted, events)["choices"]
    assert choice["text"] == prompt + " you"
    assert choice["logprobs"]["tokens"] == ["<s>", *prompt, " you"]
    assert choice["logprobs"]["text_offset"] == [0, *range(len(prompt)), len(prompt)]


def test_scores_whose_text_never_comes_are_in_the_last_chunk() -> None:
    events: list[tuple[int, Event]] = [
        (0, TextDelta("a")),
        (0, Scores((scored("<end>"),))),
        (0, finish()),
    ]
    *_, last = chunks(asked(prompt="x", logprobs=0, stream=True), events)
    assert last["choices"][0]["logprobs"]["tokens"] == ["<end>"]


def test_checks_and_loosened_keywords_are_told_in_both_forms() -> None:
    checks = (Check("text", "invalid", "why"),)
    events: list[tuple[int, Event]] = [(0, finish(checks=checks))]
    envelope = Envelope("cmpl-1", 1, "m", loosened=("json_schema.a:format",))
    reply = TextReply(asked(), envelope)
    reply.add(0, events[0][1])
    (last,) = TextStream(asked(stream=True), envelope).encode(0, events[0][1])
    for told in (reply.result(), last):
        assert told["loosened"] == ["json_schema.a:format"]
        assert told["validation"] == [{"subject": "text", "result": "invalid", "reason": "why"}]


def test_a_call_is_no_part_of_a_text() -> None:
    with pytest.raises(AssertionError):
        list(TextStream(asked(), ENVELOPE).encode(0, CallEnd(0)))
    with pytest.raises(AssertionError):
        TextReply(asked(), ENVELOPE).add(0, CallEnd(0))


@given(
    said=st.lists(st.tuples(st.integers(0, 2), st.text(min_size=1, max_size=3)), max_size=12),
    echo=st.booleans(),
)
def test_a_stream_and_a_whole_reply_say_the_same(
    *, said: list[tuple[int, str]], echo: bool
) -> None:
    wanted = asked(prompt=["a", "b", "c"], logprobs=0, echo=echo, stream=True)
    events: list[tuple[int, Event]] = []
    if echo:
        for n in range(3):
            events += [(n, Scores((scored("abc"[n], None),))), (n, TextDelta("abc"[n]))]
    for choice, text in said:
        events += [(choice, Scores((scored(text),))), (choice, TextDelta(text))]
    events += [(n, finish()) for n in range(3)]
    joined: dict[int, dict[str, Any]] = {}
    for chunk in chunks(wanted, events):
        for choice in chunk["choices"]:
            so_far = joined.setdefault(choice["index"], choice)
            if so_far is not choice:
                so_far["text"] += choice["text"]
                so_far["finish_reason"] = choice["finish_reason"]
                for name, entries in choice["logprobs"].items():
                    so_far["logprobs"][name] += entries
    assert [joined[n] for n in range(3)] == whole(wanted, events)["choices"]
