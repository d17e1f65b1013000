"""Streaming responses over ASGI: frames, keep-alive pings, and an end when the client is gone.

Starlette's own streaming response learns of a disconnect only when it next sends, which can be
minutes into a long prompt; so both kinds of reply run here beside a watch on ``receive``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.sse_frames import PING, error_frame

logger = logging.getLogger(__name__)

T = TypeVar("T")

PING_SECONDS = 5.0


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
    """Sends *frames* as they come, and *ping*, if any, whenever none came for *ping_seconds*.

    An error from the frames before the first one belongs to ``first_frame``, and so to the HTTP
    status; a later one is sent as the stream's last frame.
    """

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        *,
        headers: dict[str, str],
        media_type: str = "text/event-stream",
        ping: bytes | None = PING,
        ping_seconds: float = PING_SECONDS,
        error_frame: Callable[[Exception], bytes] = error_frame,
    ) -> None:
        super().__init__(headers={**headers, "cache-control": "no-cache"}, media_type=media_type)
        del self.headers["content-length"]
        self._frames = frames
        self._ping = ping
        self._error_frame = error_frame
        self._ping_seconds = ping_seconds
        self._first = asyncio.create_task(_next_or_none(frames))
        self._sent = 0.0  # when something was sent last, by the loop's clock

    async def first_frame(self, seconds: float) -> None:
        """Wait at most *seconds* for the first frame; raise the error that came in its place."""
        done, _ = await asyncio.wait({self._first}, timeout=seconds)
        for task in done:
            task.result()

    async def aclose(self) -> None:
        """Stop the work behind the frames."""
        await _end(self._first)
        await self._frames.aclose()

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
            async for data in self._all_frames():
                await send({"type": "http.response.body", "body": data, "more_body": True})
                self._sent = _now()
                await asyncio.sleep(0)  # frames that are ready must not hold up other streams
        finally:
            await _end(pings)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _all_frames(self) -> AsyncGenerator[bytes]:
        """The frames; an error becomes the last of them."""
        try:
            first = await self._first
            if first is not None:
                yield first
            async for data in self._frames:
                yield data
        except Exception as error:  # the edge: headers are out, so the stream must carry it
            if not isinstance(error, GgufFcError):
                logger.exception("a stream failed")
            yield self._error_frame(error)

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


async def _next_or_none(frames: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(frames, None)


async def _disconnected(receive: Callable[[], Awaitable[Any]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel *task* and wait until it has cleaned up; its outcome was taken by who needed it."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
