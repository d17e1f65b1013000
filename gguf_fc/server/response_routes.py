"""The routes of the Responses protocol, over one store."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import Route

from gguf_fc.models.pool import Pool
from gguf_fc.protocols.responses.input_tokens import InputTokens
from gguf_fc.protocols.responses.items import NewId
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.protocols.responses.stored import StoredResponses
from gguf_fc.protocols.responses.wire import ResponsesWire
from gguf_fc.request import Request
from gguf_fc.server.endpoint import Endpoint, Generate
from gguf_fc.server.json_endpoint import PlainEndpoint

ALL = "/v1/responses"
COUNT = "/v1/responses/input_tokens"
ONE = "/v1/responses/{response_id}"


def response_routes(
    pool: Pool, generate: Generate[Request], *, new_id: NewId, clock: Callable[[], float]
) -> list[Route]:
    """Routes to make responses with *generate*, and to what is kept of them."""
    store = ResponseStore()
    wire = ResponsesWire(pool=pool, store=store, new_id=new_id, clock=clock)
    stored = StoredResponses(store)
    return [
        Route(ALL, Endpoint(wire, generate, clock=clock).respond, methods=["POST"]),
        Route(COUNT, PlainEndpoint(InputTokens(wire).count).respond, methods=["POST"]),
        Route(ONE, stored.retrieve, methods=["GET"]),
        Route(ONE, stored.delete, methods=["DELETE"]),
        Route(f"{ONE}/input_items", stored.input_items, methods=["GET"]),
        Route(f"{ONE}/cancel", stored.cancel, methods=["POST"]),
    ]
