"""Errors as HTTP responses: status, headers, and a body in the protocol's shape."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gguf_fc.errors import GgufFcError, Overloaded, RouteNotFound, Unauthorized, WorkerUnavailable
from gguf_fc.protocols.error_body import ErrorBody, error_body
from gguf_fc.protocols.messages.error_body import error_body as messages_error
from gguf_fc.protocols.ollama.error_body import error_body as ollama_error
from gguf_fc.server.json_response import json_response
from gguf_fc.server.paths import KNOWN_PATHS

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1


def error_shape(scope: Scope) -> ErrorBody:
    """Shape of errors in the protocol whose path the request of *scope* has, routed or not.

    Two protocols list models under one path; a client of the Messages protocol names its version.
    """
    path: str = scope["path"]
    if path == "/api" or path.startswith("/api/"):
        return ollama_error
    named = any(name == b"anthropic-version" for name, _ in scope["headers"])
    if named or path == "/v1/messages" or path.startswith("/v1/messages/"):
        return messages_error
    return error_body


def error_response(error: Exception, body: ErrorBody = error_body) -> Response:
    """*error* as a whole response, whose *body* another protocol may shape."""
    status = error.status if isinstance(error, GgufFcError) else 500
    headers = {}
    if isinstance(error, Overloaded | WorkerUnavailable):
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = 'Bearer realm="gguf-fc"'
    return json_response(body(error), status=status, headers=headers)


async def on_error(request: Request, error: Exception) -> Response:
    """Answer with an error that was raised on purpose."""
    return error_response(error, error_shape(request.scope))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer 404 or 405: there is no such path or method."""
    if not isinstance(error, HTTPException):
        raise error
    method, path = request.method, request.url.path
    unanswered = RouteNotFound(KNOWN_PATHS.complaint(method, path))
    response = error_response(unanswered, error_shape(request.scope))
    response.status_code = error.status_code
    if methods := KNOWN_PATHS.methods(path):
        response.headers["allow"] = ", ".join(methods)
    return response


async def on_bug(request: Request, error: Exception) -> Response:
    """Answer 500 for a bug: the client gets a clean error, the log the traceback."""
    logger.error("unexpected error path=%s", request.url.path, exc_info=error)
    return error_response(error, error_shape(request.scope))


class BugsAnswered:
    """ASGI middleware next to the application: its bugs pass the layers around it as replies do.

    So a page that may read replies can read that one failed, and it is logged once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for the application if it fails before it has begun."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:  # the edge of the application
            if begun or scope["type"] != "http":
                raise
            await (await on_bug(Request(scope), error))(scope, receive, send)
