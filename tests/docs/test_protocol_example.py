"""The protocol of docs/examples/protocol.py answers over HTTP, as any other does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from docs.examples.protocol import ASK_WIRE
from gguf_fc.events import Event, Finish, TextDelta
from gguf_fc.generation.generation import Generation
from gguf_fc.job import Done
from gguf_fc.request import Request
from gguf_fc.server.endpoint import Endpoint

DONE = Done(
    id="ask_1",
    finish_reason="stop",
    prompt_tokens=9,
    cached_tokens=0,
    completion_tokens=2,
    forced_tokens=0,
    decode_steps=2,
    prompt_ms=1.0,
    completion_ms=1.0,
)


async def events() -> AsyncGenerator[tuple[int, Event]]:
    for event in (TextDelta("It"), TextDelta(" is."), Finish(DONE)):
        yield 0, event


@asynccontextmanager
async def begin(requests: tuple[Request, ...]) -> AsyncIterator[Generation]:
    assert requests[0].messages[0].content == "Is it sunny?"
    yield Generation(
        id="ask_1", model="demo", prompt_tokens=9, loosened=(), events=events(), left_out=0
    )


def ask(body: dict[str, Any]) -> httpx.Response:
    async def post() -> httpx.Response:
        endpoint: Endpoint[Request] = Endpoint(ASK_WIRE, begin, clock=lambda: 0)
        app = Starlette(routes=[Route("/ask", endpoint.respond, methods=["POST"])])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client:
            return await client.post("/ask", json=body)

    return asyncio.run(post())


def test_a_question_is_answered() -> None:
    reply = ask({"question": "Is it sunny?", "user": "me"})
    assert reply.json() == {"id": "ask_1", "answer": "It is."}
    assert reply.headers["x-gguf-fc-ignored"] == "user"


def test_an_answer_streams_line_by_line() -> None:
    reply = ask({"question": "Is it sunny?", "stream": True})
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    assert reply.text == '{"more":"It"}\n{"more":" is."}\n{"done":"stop"}\n'


def test_a_field_that_would_change_the_answer_is_refused() -> None:
    reply = ask({"question": "Is it sunny?", "image": "x"})
    assert reply.status_code == 400
    assert "image" in reply.json()["error"]
