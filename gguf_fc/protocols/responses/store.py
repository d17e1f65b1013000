"""Store of responses, so that a client can continue one by its id.

In memory and bounded: beyond its limits the least recently used response is forgotten.
Every response keeps its whole conversation, so forgetting or deleting one never breaks another.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from gguf_fc.protocols.responses.items import Kept, shown

Json = dict[str, Any]

MAX_RESPONSES = 1000
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A response, its input, and the whole conversation up to its end."""

    response: Json
    input: tuple[Kept, ...]
    conversation: tuple[Kept, ...]  # with the input and the output
    size: int  # bytes, of response and input

    @property
    def output(self) -> tuple[Kept, ...]:
        """The items of the response."""
        return self.conversation[len(self.conversation) - len(self.response["output"]) :]


def stored(
    response: Json, before: tuple[Kept, ...], given: tuple[Kept, ...], output: tuple[Kept, ...]
) -> Stored:
    """*response*, which answered *given* after the conversation *before* with *output*."""
    size = len(orjson.dumps(response)) + sum(len(orjson.dumps(shown(item))) for item in given)
    return Stored(
        response=response, input=given, conversation=(*before, *given, *output), size=size
    )


@dataclass(slots=True, eq=False)
class ResponseStore:
    """Responses by id, and their items by theirs."""

    max_responses: int = MAX_RESPONSES
    max_bytes: int = MAX_BYTES
    _responses: OrderedDict[str, Stored] = field(default_factory=OrderedDict, init=False)
    _items: dict[str, Kept] = field(default_factory=dict, init=False)
    _bytes: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._responses)

    def add(self, new: Stored) -> None:
        """Keep *new*, and forget what is beyond the limits; *new* itself always stays."""
        self.remove(new.response["id"])
        self._responses[new.response["id"]] = new
        self._bytes += new.size
        self._items.update((item.id, item) for item in _own(new) if item.id is not None)
        while len(self) > 1 and (len(self) > self.max_responses or self._bytes > self.max_bytes):
            self.remove(next(iter(self._responses)))

    def get(self, response_id: str) -> Stored | None:
        """The response, which counts as used now."""
        found = self._responses.get(response_id)
        if found is not None:
            self._responses.move_to_end(response_id)
        return found

    def item(self, item_id: str) -> Kept | None:
        """The item of a kept response, from its input or its output."""
        return self._items.get(item_id)

    def remove(self, response_id: str) -> bool:
        """Forget the response, and tell whether there was one."""
        gone = self._responses.pop(response_id, None)
        if gone is None:
            return False
        self._bytes -= gone.size
        for item in _own(gone):
            if item.id is not None and self._items.get(item.id) is item:
                del self._items[item.id]
        return True


def _own(one: Stored) -> Iterable[Kept]:
    yield from one.input
    yield from one.output
