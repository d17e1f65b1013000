"""The client with a stopwatch: what it folds, when it looks at the clock, what it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gguf_fc.bench.client import Client, TimedReply
from gguf_fc.errors import BenchError
from tests.support.foreign import Fault, foreign

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALL: dict[str, Any] = {**HELLO, "tools": [TOOL], "tool_choice": "required"}


class Seconds:
    """A clock that goes on by a second at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def ask(body: dict[str, Any], fault: Fault = "", noted: list[float] | None = None) -> TimedReply:
    async def asked(url: str) -> TimedReply:
        client = Client(url, clock=Seconds())
        try:
            return await client.ask(body, None if noted is None else noted.append)
        finally:
            await client.close()

    with foreign(fault) as server:
        return asyncio.run(asked(server.url))


def test_text_is_joined_and_every_piece_has_its_moment() -> None:
    noted: list[float] = []
    reply = ask(HELLO, noted=noted)
    assert reply.text == "word0 word1 word2 word3 "
    assert reply.moments == (1, 2, 3, 4)  # the role alone is no piece
    assert noted == [2, 3, 4, 5]  # the clock itself, which began at 1
    assert (reply.first, reply.seconds) == (1, 5)
    assert (reply.completion_tokens, reply.finish_reason) == (4, "stop")
    assert ((reply.prompt_tokens or 0) > 0, reply.cached_tokens) == (True, 0)
    assert reply.message == {"role": "assistant", "content": reply.text}


def test_a_call_is_put_together_as_a_later_message_repeats_it() -> None:
    reply = ask(CALL)
    call = {"id": "call-1", "type": "function"}
    assert reply.message == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{**call, "function": {"name": "f", "arguments": '{"to": "x"}'}}],
    }
    assert len(reply.moments) == 3


def test_the_request_streams_with_usage_from_the_model_the_server_names() -> None:
    async def asked(url: str) -> None:
        client = Client(url.removesuffix("/v1") + "/")
        await client.ask(HELLO)
        await client.close()

    with foreign() as server:
        asyncio.run(asked(server.url))
    (body,) = server.bodies
    assert (body["model"], body["stream"]) == ("the-model", True)
    assert body["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("status", r"answered 503: .*loading"),
        ("error", "out of order"),
        ("cut", "without a finish_reason"),
        ("no models", "does not say which models"),
    ],
)
def test_what_is_no_reply_is_an_error_that_says_so(fault: Fault, told: str) -> None:
    with pytest.raises(BenchError, match=told):
        ask(HELLO, fault)


def test_without_usage_the_pieces_are_counted() -> None:
    reply = ask(HELLO, "no usage")
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, 4)


def test_a_call_that_was_cut_off_is_no_call() -> None:
    reply = ask(CALL, "half a call")
    assert (reply.calls, reply.cut_off_calls, reply.first_call) == ((), 1, None)
    assert "tool_calls" not in reply.message


def test_a_server_that_is_not_there_is_an_error() -> None:
    async def asked() -> None:
        client = Client("http://127.0.0.1:9/v1")
        try:
            await client.ask(HELLO)
        finally:
            await client.close()

    with pytest.raises(BenchError, match=r"127\.0\.0\.1:9"):
        asyncio.run(asked())


def test_the_first_call_is_complete_with_its_last_piece() -> None:
    assert ask(CALL).first_call == 3
    assert ask(HELLO).first_call is None
