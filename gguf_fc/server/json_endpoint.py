"""An endpoint whose answer is one JSON object and that generates nothing.

Knows HTTP; nothing of what is asked, which is its *work*'s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.fields import ignored_header
from gguf_fc.protocols.protocol import Json
from gguf_fc.server.endpoint import read_body
from gguf_fc.server.errors import error_response
from gguf_fc.server.event_stream import ClientGone, while_connected

logger = logging.getLogger(__name__)

# A body to the reply, and the fields that were accepted without effect.
Work = Callable[[bytes], Coroutine[Any, Any, tuple[Json, tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class PlainEndpoint:
    """Answers with what *work* makes of a body; a client that goes cancels it."""

    work: Work
    error_body: ErrorBody = error_body

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request."""
        try:
            body = await read_body(http)
            reply, ignored = await while_connected(http, self.work(body))
        except ClientGone:
            logger.info("client gone before its reply was ready")
            return Response(status_code=499)
        except GgufFcError as error:
            return error_response(error, self.error_body)
        return Response(
            orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY),
            headers=ignored_header(ignored),
            media_type="application/json",
        )
