"""Frames: what goes in comes out, however the bytes arrive."""

from __future__ import annotations

from dataclasses import is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from gguf_fc.frames import MAX_FRAME, MESSAGES, PLAIN_JSON, FrameError
from gguf_fc.job import (
    MESSAGE_TYPES,
    Accepted,
    Cancel,
    Chunk,
    Detokenize,
    Detokenized,
    Embed,
    Embedded,
    Failed,
    GrammarText,
    Job,
    Load,
    Measure,
    Measured,
    Message,
    Ping,
    Pong,
    PromptScores,
    Rank,
    Ranked,
    Sampling,
    Segment,
    Stop,
    Tokenize,
    Tokenized,
)
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

EXAMPLES: list[Message] = [
    Load(path="/tmp/a model.gguf", n_ctx=None, n_threads=2),  # noqa: S108 - never opened
    Job(id="1", prompt=(Segment("hello 🦙\n"), Segment("x", special=False))),
    Job(
        id="2",
        prompt=(),
        max_tokens=3,
        sampling=Sampling(temperature=0.5, seed=2**40, logit_bias=((7, -100.0),)),
        grammar=GrammarText(gbnf="root ::= [^\x00]", llguidance="start: /./"),
        stop=("\n", "é"),
        prediction="maybe so",
        logprobs=0,
    ),
    Measure(id="3", prompt=(Segment("hello"),)),
    Embed(id="4", text="", tokens=(1, 2)),
    Rank(id="8", query="q", document="d", most=3),
    Tokenize(id="5", text="日本", pieces=True),
    Detokenize(id="6", tokens=(1, 2)),
    Cancel("1"),
    Ping(3),
    Pong(3),
    Stop(),
    Accepted(id="1", prompt_tokens=9),
    PromptScores(id="1", logprobs=(TokenLogprob((97,), None), TokenLogprob((98,), -0.5))),
    Chunk(id="1", text="日本", n_tokens=2),
    Chunk(
        id="1",
        text="é",
        n_tokens=1,
        logprobs=(TokenLogprob((195, 169), -0.25, (ScoredToken((195,), -0.1),)),),
    ),
    Measured(id="3", prompt_tokens=9, cached_tokens=4, cache="share"),
    Embedded(id="4", prompt_tokens=2, vector="AACAPw=="),
    Ranked(id="8", prompt_tokens=5, score=-0.5),
    Tokenized(id="5", tokens=(1, 2), pieces=("日", (230, 156))),
    Detokenized(id="6", text="日\ufffd"),
    Failed(id="1", code="engine_error", message="why"),
]


def example(kind: Any) -> Any:
    """A value of that type, every field of it filled in."""
    if is_dataclass(kind):
        assert isinstance(kind, type)
        return kind(**{name: example(hint) for name, hint in get_type_hints(kind).items()})
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is tuple:
        return tuple(example(item) for item in get_args(kind) if item is not Ellipsis)
    if get_args(kind):  # a union
        return example(get_args(kind)[0])
    return {str: "日本", int: 3, float: 0.5, bool: True}[kind]


@pytest.mark.parametrize("kind", MESSAGE_TYPES)
def test_every_message_of_the_union_survives_the_line(kind: type[Message]) -> None:
    message = example(kind)
    assert MESSAGES.decoder().feed(MESSAGES.encode(message)) == [message]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_messages_survive_however_their_bytes_are_cut(size: int) -> None:
    data = b"".join(map(MESSAGES.encode, EXAMPLES))
    decoder = MESSAGES.decoder()
    received: list[Message] = []
    for at in range(0, len(data), size):
        received += decoder.feed(data[at : at + size])
    decoder.finish()
    assert received == EXAMPLES


def test_a_frame_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(FrameError, match="over the limit"):
        MESSAGES.decoder().feed((MAX_FRAME + 1).to_bytes(4, "big"))


@pytest.mark.parametrize(
    "body", [b"nope", b"[]", b'["Unknown", {}]', b'["Ping", {"n": "x"}]', b'["Ping", {}]', b"3"]
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError, match="not a message"):
        MESSAGES.decoder().feed(len(body).to_bytes(4, "big") + body)


def test_a_stream_that_ends_inside_a_frame_is_noticed() -> None:
    decoder = MESSAGES.decoder()
    decoder.feed(MESSAGES.encode(Ping(1))[:-1])
    with pytest.raises(FrameError, match="inside a frame"):
        decoder.finish()


def test_text_that_is_no_unicode_cannot_be_sent() -> None:
    with pytest.raises(FrameError, match="cannot be sent"):
        MESSAGES.encode(Job(id="1", prompt=(Segment("\ud800"),)))


@pytest.mark.parametrize("value", [None, [0, "é\ud800", {"n": 10**30}], "x" * 100_000])
@pytest.mark.parametrize("size", [1000, 1 << 20])
def test_plain_json_survives_numbers_of_any_size_and_half_characters(value: Any, size: int) -> None:
    data = PLAIN_JSON.encode(value) + PLAIN_JSON.encode("next")
    decoder = PLAIN_JSON.decoder()
    received = [item for at in range(0, len(data), size) for item in decoder.feed(data[at:][:size])]
    assert received == [value, "next"]


@pytest.mark.parametrize("value", [object(), "x" * (MAX_FRAME + 1)])
def test_what_is_no_json_or_too_long_is_not_sent(value: Any) -> None:
    with pytest.raises(FrameError):
        PLAIN_JSON.encode(value)


@pytest.mark.parametrize("data", [b"\0\0\0\4nul}", b"\xff" * 4, b"\0\0\0\1x"])
def test_what_is_no_json_is_not_taken(data: bytes) -> None:
    with pytest.raises(FrameError):
        PLAIN_JSON.decoder().feed(data)
