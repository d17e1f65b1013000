"""Output of a response while it streams: our events in, the protocol's out.

Theory of operation.  At most one item is open.

1. An event of another kind than the open item closes it and opens the next; so text before and
   after a call are two messages.
2. An item opens with ``output_item.added`` and closes with ``output_item.done``; what is between
   them adds up to what the latter holds.
3. A call that was cut off is never closed: clients run a call when they are told that it is done.
   It is not among the ``items``.
4. An output without a message or a call gets an empty message, because clients look for one.
5. Reasoning is one item with one text: its content, or its summary where a client asked for that.

The events have no ``sequence_number`` yet.  Knows nothing of the response around the output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    ParseEvent,
    ReasoningDelta,
    Scores,
    TextDelta,
)
from gguf_fc.protocols.responses.items import NewId, Status
from gguf_fc.protocols.responses.open_items import (
    OpenCall,
    OpenCustomCall,
    OpenItem,
    OpenMessage,
    OpenReasoning,
    OutputShape,
)
from gguf_fc.scored_tokens import TokenLogprob

Json = dict[str, Any]


@dataclass(slots=True, eq=False)
class Output:
    """``take`` each event, then ``close``; ``items`` are those that are closed."""

    new_id: NewId
    shape: OutputShape
    items: list[Json] = field(default_factory=list)
    call_indices: list[int] = field(default_factory=list)  # where the calls stand, in order
    _open: OpenItem | None = None
    _tokens: tuple[TokenLogprob, ...] = ()  # of what comes next

    def take(self, event: ParseEvent | Scores) -> Iterator[Json]:
        """The protocol's events for *event*."""
        tokens, self._tokens = self._tokens, ()
        match event:
            case Scores(tokens=scored):
                self._tokens = tokens + scored
            case TextDelta(text):
                message = self._open
                if not isinstance(message, OpenMessage):
                    message = OpenMessage(self.new_id("msg_"))
                    yield from self._begin(message)
                yield from self._placed(message.more(text, tokens))
            case ReasoningDelta(text):
                reasoning = self._open
                if not isinstance(reasoning, OpenReasoning):
                    reasoning = OpenReasoning(self.new_id("rs_"), self.shape)
                    yield from self._begin(reasoning)
                yield from self._placed(reasoning.more(text))
            case CallStart(_, call_id, name):
                names = self.shape.names(name)
                if name in self.shape.custom:
                    yield from self._begin(OpenCustomCall(self.new_id("ctc_"), call_id, names))
                else:
                    yield from self._begin(OpenCall(self.new_id("fc_"), call_id, names))
            case CallDelta(_, arguments):
                assert isinstance(self._open, OpenCall | OpenCustomCall), (
                    "a call's pieces come in order"
                )
                yield from self._placed(self._open.more(arguments))
            case CallEnd():
                self.call_indices.append(len(self.items))
                yield from self._end("completed")

    def close(self, status: Status) -> Iterator[Json]:
        """Last events of the output; *status* is that of the item that is open."""
        if isinstance(self._open, OpenCall | OpenCustomCall):
            self._open = None  # rule 3
        yield from self._end(status)
        if status == "completed" and all(item["type"] == "reasoning" for item in self.items):
            yield from self._begin(OpenMessage(self.new_id("msg_")))
            yield from self._end(status)

    def _begin(self, item: OpenItem) -> Iterator[Json]:
        yield from self._end("completed")
        self._open = item
        yield from self._placed(
            [{"type": "response.output_item.added", "item": item.item("in_progress")}]
        )
        yield from self._placed(item.begin())

    def _end(self, status: Status) -> Iterator[Json]:
        if self._open is None:
            return
        yield from self._placed(self._open.end())
        item = self._open.item(status)
        yield from self._placed([{"type": "response.output_item.done", "item": item}])
        self.items.append(item)
        self._open = None

    def _placed(self, events: Iterable[Json]) -> Iterator[Json]:
        for event in events:
            yield event | {"output_index": len(self.items)}
