"""Endpoint that generates, whatever protocol it speaks.

Reads the body, has the reply generated, sends it whole or as a stream.  Errors known before the
first byte get their status, later ones are the stream's last frame.  Knows HTTP; nothing of
generation, nor of any protocol's JSON, which is its ``Wire``'s.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.errors import GgufFcError
from gguf_fc.generation.generation import Generation, PendingGeneration
from gguf_fc.protocols.fields import ignored_header, warning_header
from gguf_fc.protocols.protocol import Asked, Envelope, Json, Wire, WireStream
from gguf_fc.server.errors import error_response
from gguf_fc.server.event_stream import PING_SECONDS, ClientGone, EventStream, while_connected
from gguf_fc.server.json_response import json_response
from gguf_fc.server.read_body import read_body

logger = logging.getLogger(__name__)

HEADERS_WITHIN_SECONDS = 1.0  # a stream's headers wait no longer than this for the engine

R = TypeVar("R")
Begin = Callable[[tuple[R, ...]], PendingGeneration]


class Endpoint(Generic[R]):
    """Answers the requests that *wire* reads with what *generate* begins for them."""

    def __init__(
        self,
        wire: Wire[Any],
        generate: Begin[R],
        *,
        clock: Callable[[], float],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._wire = wire
        self._generate = generate
        self._clock = clock
        self._ping_seconds = ping_seconds

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request."""
        try:
            asked = self._wire.read(await read_body(http))
            headers = ignored_header(asked.ignored)
            if asked.stream:
                return await self._stream(http, asked, headers)
            reply, warned = await while_connected(http, self._whole(asked))
        except ClientGone:
            logger.info("client gone before its reply was ready")
            return Response(status_code=499)
        except GgufFcError as error:
            return error_response(error, self._wire.error_body)
        return json_response(reply, headers=headers | warned)

    async def _whole(self, asked: Asked[R]) -> tuple[Json, dict[str, str]]:
        async with self._generate(asked.requests) as generation:
            reply = self._wire.reply(asked, self._envelope(generation))
            async for choice, event in generation.events:
                reply.add(choice, event)
        return reply.result(), warning_header(generation.warnings)

    async def _stream(
        self, http: HttpRequest, asked: Asked[R], headers: dict[str, str]
    ) -> Response:
        begun: list[WireStream] = []  # the encoder, once there is one: it knows what was sent
        warnings: list[str] = []  # what is known when the headers are sent

        def fail(error: Exception) -> Json:
            return begun[0].fail(error) if begun else self._wire.error_event(error)

        stream = EventStream(
            self._objects(asked, begun, warnings),
            headers=headers,
            framing=self._wire.framing,
            ping_seconds=self._ping_seconds,
            fail=fail,
        )
        try:
            await while_connected(http, stream.first_frame(HEADERS_WITHIN_SECONDS))
            stream.headers.update(warning_header(warnings))
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _objects(
        self, asked: Asked[R], begun: list[WireStream], warnings: list[str]
    ) -> AsyncGenerator[Json]:
        async with self._generate(asked.requests) as generation:
            warnings.extend(generation.warnings)
            encoder = self._wire.stream(asked, self._envelope(generation))
            begun.append(encoder)
            for opening in encoder.begin():
                yield opening
            async for choice, event in generation.events:
                for data in encoder.encode(choice, event):
                    yield data
        for closing in encoder.end():
            yield closing

    def _envelope(self, generation: Generation) -> Envelope:
        return Envelope(
            id=generation.id,
            created=int(self._clock()),
            model=generation.model,
            prompt_tokens=generation.prompt_tokens,
            loosened=generation.loosened,
            left_out=generation.left_out,
            warnings=generation.warnings,
        )
