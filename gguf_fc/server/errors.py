"""Errors as HTTP responses: status, headers, and a body in the protocol's shape."""

from __future__ import annotations

import logging

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gguf_fc.errors import GgufFcError, Overloaded, RouteNotFound, WorkerUnavailable
from gguf_fc.protocols.error_body import ErrorBody, error_body

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 1


def error_response(error: Exception, body: ErrorBody = error_body) -> Response:
    """*error* as a whole response, whose *body* another protocol may shape."""
    status = error.status if isinstance(error, GgufFcError) else 500
    headers = {}
    if isinstance(error, Overloaded | WorkerUnavailable):
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return Response(
        orjson.dumps(body(error)),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


async def on_error(_request: Request, error: Exception) -> Response:
    """For errors raised on purpose."""
    return error_response(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """For paths and methods that do not exist."""
    if not isinstance(error, HTTPException):
        raise error
    message = f"There is no {request.method} {request.url.path}: {error.detail}."
    response = error_response(RouteNotFound(message))
    response.status_code = error.status_code
    return response


async def on_bug(request: Request, error: Exception) -> Response:
    """For what should never happen: the client gets a clean error, the log the traceback."""
    logger.error("unexpected error path=%s", request.url.path, exc_info=error)
    return error_response(error)
