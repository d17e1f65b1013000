"""The routes of responses that are kept: one by its id, its input, deleting it, cancelling it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.errors import InvalidParameter, ResponseNotFound, UnsupportedParameter
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.responses.items import Kept, shown
from gguf_fc.protocols.responses.store import ResponseStore, Stored

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class StoredResponses:
    """Answers about what *store* keeps."""

    store: ResponseStore

    async def retrieve(self, http: HttpRequest) -> Response:
        """The response as it was sent."""
        if http.query_params.get("stream") == "true":
            raise UnsupportedParameter(
                "'stream' is not supported here; a response is kept once it is whole.",
                param="stream",
            )
        return _json(self._found(http).response)

    async def delete(self, http: HttpRequest) -> Response:
        """Forget the response; those that go on from it keep what they need."""
        response_id = self._found(http).response["id"]
        self.store.remove(response_id)
        return _json({"id": response_id, "object": "response", "deleted": True})

    async def input_items(self, http: HttpRequest) -> Response:
        """A page of what the response answered, newest first unless ``order`` is ``asc``."""
        found = self._found(http)
        before_output = len(found.conversation) - len(found.output)
        return _json(_page(found.conversation[:before_output], http))

    async def cancel(self, http: HttpRequest) -> Response:
        """Never possible: only a response in the background can be cancelled by its id."""
        self._found(http)
        raise InvalidParameter(
            "Only responses made with 'background' can be cancelled, which this server does not "
            "offer; close the connection to cancel a response that is being made.",
            param="response_id",
        )

    def _found(self, http: HttpRequest) -> Stored:
        response_id = http.path_params["response_id"]
        found = self.store.get(response_id)
        if found is None:
            raise ResponseNotFound(
                f"There is no response '{response_id}' here: it was not stored, was deleted, or is "
                "forgotten.",
                param="response_id",
            )
        return found


def _page(items: Sequence[Kept], http: HttpRequest) -> Json:
    limit, order = _limit(http), http.query_params.get("order", "desc")
    if order not in ("asc", "desc"):
        raise InvalidParameter('\'order\' must be "asc" or "desc".', param="order")
    ordered = list(items) if order == "asc" else list(reversed(items))
    start = 0
    if (after := http.query_params.get("after")) is not None:
        start = 1 + next((n for n, item in enumerate(ordered) if item.id == after), len(ordered))
    page = [shown(item) for item in ordered[start : start + limit]]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(ordered),
    }


def _limit(http: HttpRequest) -> int:
    text = http.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidParameter(f"'limit' must be 1 to {MAX_LIMIT}, not '{text}'.", param="limit")
    return int(text)


def _json(body: Json) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
