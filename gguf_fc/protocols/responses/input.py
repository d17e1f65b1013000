"""Input of a request: the earlier response it continues, and its own items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gguf_fc.errors import InvalidParameter, PreviousResponseNotFound
from gguf_fc.protocols.responses.items import (
    Item,
    ItemPart,
    ItemReference,
    Kept,
    MessageItem,
    NewId,
    OtherItem,
    settled,
)
from gguf_fc.protocols.responses.schema import ResponsesBody
from gguf_fc.protocols.responses.store import ResponseStore


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    """A conversation: the items *before* this request, and its new *items* with their paths."""

    before: tuple[Kept, ...]
    items: tuple[Kept, ...]
    places: tuple[str, ...]
    passed_over: tuple[str, ...]  # places of items that only other servers' tools make

    @property
    def placed(self) -> Iterator[tuple[str, Kept]]:
        """All items with their paths; those of an earlier response have none but ``input``."""
        yield from (("input", item) for item in self.before)
        yield from zip(self.places, self.items, strict=True)


def read_input(body: ResponsesBody, store: ResponseStore, new_id: NewId) -> GivenInput:
    """The conversation that *body* continues.

    Raises InvalidParameter for a response or an item that is not kept here, or if there is none.
    """
    before = _before(body.previous_response_id, store)
    given = body.input
    if isinstance(given, str):
        given = [MessageItem(role="user", content=[ItemPart("input_text", given)])]
    kept = list(_kept(given, store))
    if not kept and not before:
        raise InvalidParameter("'input' says nothing; send a text or items.", param="input")
    places = tuple(place for place, _ in kept)
    passed_over = (f"input[{n}]" for n in range(len(given)))
    return GivenInput(
        before=before,
        items=tuple(settled(item, new_id) for _, item in kept),
        places=places,
        passed_over=tuple(place for place in passed_over if place not in places),
    )


def _before(response_id: str | None, store: ResponseStore) -> tuple[Kept, ...]:
    if response_id is None:
        return ()
    found = store.get(response_id)
    if found is None:
        raise PreviousResponseNotFound(
            f"There is no response '{response_id}' here: it was not stored, was deleted, or is "
            "forgotten; send the whole conversation in 'input'.",
            param="previous_response_id",
        )
    return found.conversation


def _kept(items: Iterable[Item], store: ResponseStore) -> Iterator[tuple[str, Kept]]:
    """Items that a model reads, each with its path; references are resolved."""
    for n, item in enumerate(items):
        if isinstance(item, ItemReference):
            yield f"input[{n}]", _referred(item.id, store, f"input[{n}].id")
        elif not isinstance(item, OtherItem):
            yield f"input[{n}]", item


def _referred(item_id: str, store: ResponseStore, param: str) -> Kept:
    found = store.item(item_id)
    if found is None:
        raise InvalidParameter(
            f"'{param}' is '{item_id}', an item that is not kept here; send the item itself.",
            param=param,
        )
    return found
