"""Stored responses: fetch one by its id, list its input, delete it, cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

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

    def retrieve(self, response_id: str, query: Mapping[str, str]) -> Json:
        """The response as it was sent."""
        if query.get("stream") == "true":
            raise UnsupportedParameter(
                "'stream' is not supported here; a response is kept once it is whole.",
                param="stream",
            )
        return self._found(response_id).response

    def delete(self, response_id: str, _query: Mapping[str, str]) -> Json:
        """Forget the response; those that go on from it keep what they need."""
        self._found(response_id)
        self.store.remove(response_id)
        return {"id": response_id, "object": "response", "deleted": True}

    def input_items(self, response_id: str, query: Mapping[str, str]) -> Json:
        """A page of what the response answered, newest first unless ``order`` is ``asc``."""
        found = self._found(response_id)
        before_output = len(found.conversation) - len(found.output)
        return _page(found.conversation[:before_output], query)

    def cancel(self, response_id: str, _query: Mapping[str, str]) -> NoReturn:
        """Raise InvalidParameter: only a response in the background can be cancelled by its id."""
        self._found(response_id)
        raise InvalidParameter(
            "Only responses made with 'background' can be cancelled, which this server does not "
            "offer; close the connection to cancel a response that is being made.",
            param="response_id",
        )

    def _found(self, response_id: str) -> Stored:
        found = self.store.get(response_id)
        if found is None:
            raise ResponseNotFound(
                f"There is no response '{response_id}' here: it was not stored, was deleted, or is "
                "forgotten.",
                param="response_id",
            )
        return found


def _page(items: Sequence[Kept], query: Mapping[str, str]) -> Json:
    limit, order = _limit(query), query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise InvalidParameter('\'order\' must be "asc" or "desc".', param="order")
    ordered = list(items) if order == "asc" else list(reversed(items))
    start = 0
    if (after := query.get("after")) is not None:
        start = 1 + next((n for n, item in enumerate(ordered) if item.id == after), len(ordered))
    page = [shown(item) for item in ordered[start : start + limit]]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": start + limit < len(ordered),
    }


def _limit(query: Mapping[str, str]) -> int:
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidParameter(f"'limit' must be 1 to {MAX_LIMIT}, not '{text}'.", param="limit")
    return int(text)
