"""Endpoints whose answer is one JSON object and that generate nothing.

Knows HTTP; nothing of what is asked, which is for the *work* or the *view* it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.fields import Remarks
from gguf_fc.protocols.protocol import Json
from gguf_fc.server.errors import error_response
from gguf_fc.server.event_stream import ClientGone, while_connected
from gguf_fc.server.json_response import json_response
from gguf_fc.server.read_body import read_body

logger = logging.getLogger(__name__)

# A body to the reply, and the fields that were accepted without effect, or more to remark.
JsonWork = Callable[
    [bytes], Coroutine[Any, Any, tuple[Json | list[Json], tuple[str, ...] | Remarks]]
]
JsonView = Callable[[], Coroutine[Any, Any, Json | list[Json]]]


@dataclass(frozen=True, slots=True)
class JsonEndpoint:
    """Answers with what *work* makes of a body; a client that goes cancels it."""

    work: JsonWork
    error_body: ErrorBody = error_body

    async def respond(self, http: HttpRequest) -> Response:
        """Answer one request."""
        try:
            body = await read_body(http)
            reply, remarks = await while_connected(http, self.work(body))
        except ClientGone:
            logger.info("client gone before its reply was ready")
            return Response(status_code=499)
        except GgufFcError as error:
            return error_response(error, self.error_body)
        if not isinstance(remarks, Remarks):
            remarks = Remarks(ignored=remarks)
        return json_response(reply, headers=remarks.headers())


@dataclass(frozen=True, slots=True)
class JsonViewEndpoint:
    """Answers with what *view* shows; the request says nothing but its path."""

    view: JsonView

    async def respond(self, _http: HttpRequest) -> Response:
        """Answer one request."""
        return json_response(await self.view())
