"""Streams over ASGI: pings, errors in place of a status, and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from gguf_fc.errors import EngineError
from gguf_fc.protocols.protocol import Framing, Json
from gguf_fc.server.event_stream import DONE, PING, ClientGone, EventStream, while_connected


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


ENDS = Framing(done=True)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), timeout=10))


async def two_objects() -> AsyncGenerator[Json]:
    yield {"n": 1}
    yield {"n": "é"}


def test_frames_are_sent_in_order_and_the_body_is_closed() -> None:
    async def scenario() -> None:
        client = Client()
        await EventStream(two_objects(), headers={}, framing=ENDS)({}, client.receive, client.send)
        assert client.body == 'data: {"n":1}\n\ndata: {"n":"é"}\n\ndata: [DONE]\n\n'.encode()
        assert client.sent[-1]["more_body"] is False
        assert dict(client.sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")

    run(scenario)


FRAMES = [
    (Framing(), 'data: {"type":"é"}\n\n', ": ping\n\n", "text/event-stream"),
    (
        Framing(form="named events", ping={"type": "ping"}),
        'event: é\ndata: {"type":"é"}\n\n',
        'event: ping\ndata: {"type":"ping"}\n\n',
        "text/event-stream",
    ),
    (
        Framing(form="lines", ping={"n": 0}),
        '{"type":"é"}\n',
        '{"n":0}\n',
        "application/x-ndjson",
    ),
    (Framing(form="lines"), '{"type":"é"}\n', "", "application/x-ndjson"),
]


@pytest.mark.parametrize(("framing", "sent", "ping", "media_type"), FRAMES)
def test_each_framing_has_its_own_frames_pings_and_media_type(
    framing: Framing, sent: str, ping: str, media_type: str
) -> None:
    async def slow() -> AsyncGenerator[Json]:
        await asyncio.sleep(0.1)
        yield {"type": "é"}

    async def scenario() -> None:
        client = Client()
        stream = EventStream(slow(), headers={}, framing=framing, ping_seconds=0.03)
        await stream({}, client.receive, client.send)
        text = client.body.decode()
        pings = text.removesuffix(sent)
        assert text.endswith(sent)
        assert pings == ping * (len(pings) // len(ping or " "))
        assert bool(pings) is bool(ping)
        assert dict(client.sent[0]["headers"])[b"content-type"].decode().startswith(media_type)

    run(scenario)


def test_a_silent_stream_is_pinged() -> None:
    async def slow() -> AsyncGenerator[Json]:
        await asyncio.sleep(0.1)
        yield {}

    async def scenario() -> None:
        client = Client()
        await EventStream(slow(), headers={}, framing=ENDS, ping_seconds=0.01)(
            {}, client.receive, client.send
        )
        assert client.body.startswith(PING)
        assert client.body.endswith(DONE)

    run(scenario)


def test_frames_that_are_ready_hold_up_nobody() -> None:
    async def endless() -> AsyncGenerator[Json]:
        while True:
            yield {}

    async def scenario() -> None:
        hog, other = Client(), Client()
        stream = EventStream(endless(), headers={})
        hogging = asyncio.create_task(stream({}, hog.receive, hog.send))
        await EventStream(two_objects(), headers={}, framing=ENDS)({}, other.receive, other.send)
        assert other.body.endswith(DONE)
        hog.leave.set()
        await hogging

    run(scenario)


def test_pings_stop_with_the_stream() -> None:
    async def scenario() -> None:
        client = Client()
        await EventStream(two_objects(), headers={}, ping_seconds=0.01)(
            {}, client.receive, client.send
        )
        sent = len(client.sent)
        await asyncio.sleep(0.05)
        assert len(client.sent) == sent

    run(scenario)


def test_an_error_before_the_first_frame_is_raised() -> None:
    async def failing() -> AsyncGenerator[Json]:
        raise EngineError("no")
        yield {}

    async def scenario() -> None:
        stream = EventStream(failing(), headers={})
        with pytest.raises(EngineError):
            await stream.first_frame(1)
        await stream.aclose()

    run(scenario)


def test_an_error_after_the_first_frame_is_the_last_event() -> None:
    async def failing() -> AsyncGenerator[Json]:
        yield {}
        raise EngineError("no")

    async def scenario() -> None:
        client = Client()
        await EventStream(failing(), headers={}, framing=ENDS)({}, client.receive, client.send)
        last = client.body.split(b"\n\n")[-2].removeprefix(b"data: ")
        assert orjson.loads(last)["error"]["message"] == "no"
        assert DONE not in client.body

    run(scenario)


def test_a_client_that_goes_ends_the_work_behind_the_stream() -> None:
    async def scenario() -> None:
        ended = asyncio.Event()

        async def endless() -> AsyncGenerator[Json]:
            try:
                yield {}
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
