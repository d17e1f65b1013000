"""Streaming responses over ASGI: frames, keep-alive pings, and an end when the client is gone.

Protocols make JSON objects; ``Framing`` says what stands around each of them.

Starlette's own streaming response learns of a disconnect only when it next sends, which can be
minutes into a long prompt; so both kinds of reply run here beside a watch on ``receive``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.protocol import Framing, Json

logger = logging.getLogger(__name__)

T = TypeVar("T")

PING_SECONDS = 5.0
PING = b": ping\n\n"  # a comment: ignored by clients, it keeps their timers from running out
DONE = b"data: [DONE]\n\n"
MEDIA_TYPES = {"lines": "application/x-ndjson"}  # of forms that are no server-sent events


def frame(data: Json, framing: Framing) -> bytes:
    """*data* as one frame."""
    text = orjson.dumps(data)
    match framing.form:
        case "lines":
            return text + b"\n"
        case "events":
            return b"data: " + text + b"\n\n"
        case "named events":
            name: str = data["type"]
            return b"event: " + name.encode() + b"\ndata: " + text + b"\n\n"


def _ping(framing: Framing) -> bytes | None:
    if framing.ping is not None:
        return frame(framing.ping, framing)
    return None if framing.form == "lines" else PING


class ClientGone(Exception):
    """The client closed the connection before its reply was ready."""


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*, which is cancelled when the client goes.

    Raises ClientGone in that case, and whatever *work* raises.  The request's body must have been
    read, because this reads on.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_disconnected(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        await _end(task)
        await _end(gone)


class EventStream(Response):
    """Sends *objects* as they come, and a ping, if any, whenever none came for *ping_seconds*.

    An error from the objects before the first one belongs to ``first_frame``, and so to the HTTP
    status; a later one is sent as the stream's last frame, which
    *fail* makes.
    """

    def __init__(
        self,
        objects: AsyncGenerator[Json],
        *,
        headers: dict[str, str],
        framing: Framing = Framing(),  # noqa: B008 - frozen
        ping_seconds: float = PING_SECONDS,
        fail: ErrorBody = error_body,
    ) -> None:
        super().__init__(
            headers={**headers, "cache-control": "no-cache"},
            media_type=MEDIA_TYPES.get(framing.form, "text/event-stream"),
        )
        del self.headers["content-length"]
        self._objects = objects
        self._framing = framing
        self._ping = _ping(framing)
        self._fail = fail
        self._ping_seconds = ping_seconds
        self._first = asyncio.create_task(_next_or_none(objects))
        self._sent = 0.0  # when something was sent last, by the loop's clock

    async def first_frame(self, seconds: float) -> None:
        """Wait at most *seconds* for the first frame; raise the error that came in its place."""
        done, _ = await asyncio.wait({self._first}, timeout=seconds)
        for task in done:
            task.result()

    async def aclose(self) -> None:
        """Stop the work behind the objects."""
        await _end(self._first)
        await self._objects.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until the frames end or the client goes."""
        pump = asyncio.create_task(self._pump(send))
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
        finally:
            await _end(pump)
            await _end(gone)
            await self.aclose()

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        self._sent = _now()
        pings = asyncio.create_task(self._pings(send))
        try:
            async for data in self._frames():
                await send({"type": "http.response.body", "body": data, "more_body": True})
                self._sent = _now()
                await asyncio.sleep(0)  # frames that are ready must not hold up other streams
        finally:
            await _end(pings)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _frames(self) -> AsyncGenerator[bytes]:
        """All frames; an error becomes the last of them."""
        try:
            first = await self._first
            if first is not None:
                yield frame(first, self._framing)
            async for data in self._objects:
                yield frame(data, self._framing)
            if self._framing.done:
                yield DONE
        except Exception as error:  # the edge: headers are out, so the stream must carry it
            if not isinstance(error, GgufFcError):
                logger.exception("a stream failed")
            yield frame(self._fail(error), self._framing)

    async def _pings(self, send: Send) -> None:
        """Send a ping whenever nothing was sent for so long; a timer, not a task for each frame."""
        while self._ping is not None:
            silent = _now() - self._sent
            if silent >= self._ping_seconds:
                await send({"type": "http.response.body", "body": self._ping, "more_body": True})
                self._sent, silent = _now(), 0.0
            await asyncio.sleep(self._ping_seconds - silent)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _next_or_none(objects: AsyncGenerator[Json]) -> Json | None:
    return await anext(objects, None)


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and wait until it has cleaned up; its outcome was taken by who needed it."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
