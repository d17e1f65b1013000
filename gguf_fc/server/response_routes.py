"""Routes of the Responses protocol: making responses, and the store they are kept in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.responses.input_tokens import InputTokens
from gguf_fc.protocols.responses.items import NewId
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.stored import StoredResponses
from gguf_fc.protocols.responses.wire import ResponsesWire
from gguf_fc.request import Request
from gguf_fc.server.endpoint import Endpoint, Generate
from gguf_fc.server.json_endpoint import JsonEndpoint
from gguf_fc.server.json_response import json_response

ALL = "/v1/responses"
COUNT = "/v1/responses/input_tokens"
ONE = "/v1/responses/{response_id}"


def response_routes(
    pool: Pool, generate: Generate[Request], *, new_id: NewId, clock: Callable[[], float]
) -> list[Route]:
    """Routes to make responses with *generate*, and to what is kept of them."""
    store = ResponseStore()
    wire = ResponsesWire(pool=pool, store=store, new_id=new_id, clock=clock)
    return [
        Route(ALL, Endpoint(wire, generate, clock=clock).respond, methods=["POST"]),
        Route(COUNT, JsonEndpoint(InputTokens(wire).count).respond, methods=["POST"]),
        *stored_response_routes(store),
    ]


def stored_response_routes(store: ResponseStore) -> list[Route]:
    """Routes to the responses in *store*."""
    stored = StoredResponses(store)
    return [
        Route(ONE, _of_one(stored.retrieve), methods=["GET"]),
        Route(ONE, _of_one(stored.delete), methods=["DELETE"]),
        Route(f"{ONE}/input_items", _of_one(stored.input_items), methods=["GET"]),
        Route(f"{ONE}/cancel", _of_one(stored.cancel), methods=["POST"]),
    ]


def _of_one(
    work: Callable[[str, Mapping[str, str]], Json],
) -> Callable[[HttpRequest], Awaitable[Response]]:
    """A handler that answers with what *work* makes of a response's id and the query."""

    async def respond(http: HttpRequest) -> Response:
        return json_response(work(http.path_params["response_id"], http.query_params))

    return respond
