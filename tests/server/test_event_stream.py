"""Streams over ASGI: pings, errors in place of a status, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from gguf_fc.errors import EngineError
from gguf_fc.protocols.sse_frames import DONE, PING, frame
from gguf_fc.server.event_stream import ClientGone, EventStream, while_connected


class Client:
    """The far end of an ASGI connection: collects what is sent, leaves when told."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.leave = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), timeout=10))


async def two_frames() -> AsyncGenerator[bytes]:
    yield frame({"n": 1})
    yield DONE


def test_frames_are_sent_in_order_and_the_body_is_closed() -> None:
    async def scenario() -> None:
        client = Client()
        await EventStream(two_frames(), headers={})({}, client.receive, client.send)
        assert client.body == b'data: {"n":1}\n\ndata: [DONE]\n\n'
        assert client.sent[-1]["more_body"] is False
        assert dict(client.sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")

    run(scenario)


def test_a_silent_stream_is_pinged() -> None:
    async def slow() -> AsyncGenerator[bytes]:
        await asyncio.sleep(0.1)
        yield DONE

    async def scenario() -> None:
        client = Client()
        await EventStream(slow(), headers={}, ping_seconds=0.01)({}, client.receive, client.send)
        assert client.body.startswith(PING)
        assert client.body.endswith(DONE)

    run(scenario)


def test_frames_that_are_ready_hold_up_nobody() -> None:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield b"x"

    async def scenario() -> None:
        hog, other = Client(), Client()
        stream = EventStream(endless(), headers={})
        hogging = asyncio.create_task(stream({}, hog.receive, hog.send))
        await EventStream(two_frames(), headers={})({}, other.receive, other.send)
        assert other.body.endswith(DONE)
        hog.leave.set()
        await hogging

    run(scenario)


def test_pings_stop_with_the_stream() -> None:
    async def scenario() -> None:
        client = Client()
        await EventStream(two_frames(), headers={}, ping_seconds=0.01)(
            {}, client.receive, client.send
        )
        sent = len(client.sent)
        await asyncio.sleep(0.05)
        assert len(client.sent) == sent

    run(scenario)


def test_an_error_before_the_first_frame_is_raised() -> None:
    async def failing() -> AsyncGenerator[bytes]:
        raise EngineError("no")
        yield b""

    async def scenario() -> None:
        stream = EventStream(failing(), headers={})
        with pytest.raises(EngineError):
            await stream.first_frame(1)
        await stream.aclose()

    run(scenario)


def test_an_error_after_the_first_frame_is_the_last_event() -> None:
    async def failing() -> AsyncGenerator[bytes]:
        yield frame({})
        raise EngineError("no")

    async def scenario() -> None:
        client = Client()
        await EventStream(failing(), headers={})({}, client.receive, client.send)
        last = client.body.split(b"\n\n")[-2].removeprefix(b"data: ")
        assert orjson.loads(last)["error"]["message"] == "no"
        assert DONE not in client.body

    run(scenario)


def test_a_client_that_goes_ends_the_work_behind_the_stream() -> None:
    async def scenario() -> None:
        ended = asyncio.Event()

        async def endless() -> AsyncGenerator[bytes]:
            try:
                yield frame({})
                await asyncio.Event().wait()
            finally:
                ended.set()

        client = Client()
        asyncio.get_running_loop().call_later(0.05, client.leave.set)
        await EventStream(endless(), headers={})({}, client.receive, client.send)
        assert ended.is_set()

    run(scenario)


def test_work_is_cancelled_when_its_client_goes() -> None:
    async def scenario() -> None:
        client = Client()
        request = Request({"type": "http"}, client.receive)
        cancelled = asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        asyncio.get_running_loop().call_later(0.05, client.leave.set)
        with pytest.raises(ClientGone):
            await while_connected(request, work())
        assert cancelled.is_set()

    run(scenario)


def test_the_outcome_of_work_is_passed_on() -> None:
    async def scenario() -> None:
        request = Request({"type": "http"}, Client().receive)

        async def good() -> int:
            return 5

        async def bad() -> int:
            raise EngineError("no")

        assert await while_connected(request, good()) == 5
        with pytest.raises(EngineError):
            await while_connected(request, bad())

    run(scenario)
