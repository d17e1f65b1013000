"""Memory of replies, so that a conversation that comes back reads as the model wrote it.

Clients write history in their own way: they parse a call's arguments and write them anew, with
other spacing or the keys in another order, and they drop the reasoning that led to a call.  The
template would then render another text than the model wrote, and nothing of the KV cache behind it
could be reused.  What means the same is put back as the model wrote it:

* a call's arguments, where name and JSON value are those of a call that was made;
* the reasoning before calls, where the client sends none and a call has the id that was given it.

What the client changed in meaning stays changed.  The memory is bounded: the least recently used is
forgotten, and that costs time only.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from gguf_fc.request import Message, Request, ToolCall

MOST_CHARACTERS = 8_000_000
MOST_UNREAD = 1024  # calls that were made since past calls came back last


@dataclass(slots=True, eq=False)
class _LruTexts:
    """Texts by key, at most so many characters of both; the least recently used go first."""

    _most: int
    _texts: OrderedDict[str, str] = field(default_factory=OrderedDict, init=False)
    _size: int = field(default=0, init=False)

    def put(self, key: str, text: str) -> None:
        self._size -= len(key) + len(self._texts.pop(key)) if key in self._texts else 0
        self._texts[key] = text
        self._size += len(key) + len(text)
        while self._size > self._most:
            oldest, forgotten = self._texts.popitem(last=False)
            self._size -= len(oldest) + len(forgotten)

    def get(self, key: str) -> str | None:
        if key in self._texts:
            self._texts.move_to_end(key)
        return self._texts.get(key)


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call as the model wrote it, and the reasoning of its reply that came before any call."""

    id: str
    name: str
    arguments: str
    reasoning: str


class ReplyMemory:
    """Restores the calls in *made* in the history of requests.

    Whoever makes calls appends them to *made*.  Their meaning is worked out when past calls come
    back, so a reply does not wait for that.
    """

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self.made: deque[MadeCall] = deque(maxlen=MOST_UNREAD)
        self._arguments = _LruTexts(most_characters)
        self._reasoning = _LruTexts(most_characters)

    def restored(self, request: Request) -> Request:
        """*request*, with the turns of the assistant as the model wrote them."""
        while self.made:
            self._remember(self.made.popleft())
        return replace(request, messages=tuple(map(self._restored, request.messages)))

    def _remember(self, call: MadeCall) -> None:
        if call.reasoning:
            self._reasoning.put(call.id, call.reasoning)
        if key := _meaning(call.name, call.arguments):
            self._arguments.put(key, call.arguments)

    def _restored(self, message: Message) -> Message:
        if message.role != "assistant" or not message.tool_calls:
            return message
        calls = tuple(self._restored_call(call) for call in message.tool_calls)
        reasoning = message.reasoning_content
        if reasoning is None and calls[0].id is not None:
            reasoning = self._reasoning.get(calls[0].id)
        return replace(message, tool_calls=calls, reasoning_content=reasoning)

    def _restored_call(self, call: ToolCall) -> ToolCall:
        key = _meaning(call.name, call.arguments)
        said = self._arguments.get(key) if key else None
        return call if said is None else replace(call, arguments=said)


def _meaning(name: str, arguments: str) -> str | None:
    """Key that is the same for every way to write a call; None for what is no JSON."""
    try:
        value = _plain(orjson.loads(arguments))
    except (orjson.JSONDecodeError, RecursionError):
        return None
    return orjson.dumps([name, value], option=orjson.OPT_SORT_KEYS).decode()


def _plain(value: Any) -> Any:
    """*value* with whole numbers as such: not every language tells 1.0 from 1."""
    match value:
        case dict():
            return {key: _plain(member) for key, member in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer() and abs(value) < 1 << 53:
            return int(value)
        case _:
            return value
