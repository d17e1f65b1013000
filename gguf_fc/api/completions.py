"""``POST /v1/chat/completions``: read the body, get an answer, send it whole or as a stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.api.answer import Answer, Ids, answer
from gguf_fc.api.chat import ChatReply, ChatStream, Envelope, Json
from gguf_fc.api.chat_request import to_request
from gguf_fc.api.fields import ignored_header
from gguf_fc.api.grammars import GrammarCache
from gguf_fc.api.schema import CHAT
from gguf_fc.api.sse import DONE, ClientGone, EventStream, frame, while_connected
from gguf_fc.errors import BodyTooLarge
from gguf_fc.models.pool import Pool
from gguf_fc.request import Request

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 32 * 1024 * 1024
HEADERS_WITHIN_SECONDS = 1.0  # a stream's headers wait no longer than this for the engine


class ChatCompletions:
    """The endpoint.  Errors known before the first byte get their status, later ones an event."""

    def __init__(
        self, pool: Pool, grammars: GrammarCache, ids: Ids, clock: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._grammars = grammars
        self._ids = ids
        self._clock = clock

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request."""
        body, ignored = CHAT.parse(await read_body(http))
        request = to_request(body, self._pool.sampling(body.model))
        headers = ignored_header(ignored)
        try:
            if request.stream:
                return await self._stream(http, request, headers)
            reply = await while_connected(http, self._whole(request))
        except ClientGone:
            logger.info("client gone before its reply was ready")
            return Response(status_code=499)
        return Response(orjson.dumps(reply), headers=headers, media_type="application/json")

    async def _whole(self, request: Request) -> Json:
        async with answer(request, self._pool, self._grammars, self._ids) as answered:
            reply = ChatReply(self._envelope(answered))
            async for event in answered.events:
                reply.add(event)
        return reply.result() | _loosened(answered)

    async def _stream(
        self, http: HttpRequest, request: Request, headers: dict[str, str]
    ) -> Response:
        frames = self._frames(request)
        stream = EventStream(frames, headers=headers)
        try:
            await while_connected(http, stream.first_frame(HEADERS_WITHIN_SECONDS))
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _frames(self, request: Request) -> AsyncGenerator[bytes]:
        async with answer(request, self._pool, self._grammars, self._ids) as answered:
            encoder = ChatStream(self._envelope(answered), request.include_usage)
            yield frame(encoder.begin() | _loosened(answered))
            async for event in answered.events:
                for chunk in encoder.encode(event):
                    yield frame(chunk)
        yield DONE

    def _envelope(self, answered: Answer) -> Envelope:
        return Envelope(id=answered.id, created=int(self._clock()), model=answered.model)


def _loosened(answered: Answer) -> Json:
    """What the grammar does not enforce, as a field beside the protocol's own."""
    return {"loosened": list(answered.loosened)} if answered.loosened else {}


async def read_body(http: HttpRequest) -> bytes:
    """The whole body.  Raises BodyTooLarge as soon as it is over the limit."""
    body = bytearray()
    async for piece in http.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body is over the limit of {MAX_BODY_BYTES} bytes.")
    return bytes(body)
