"""Messages: events to the events of the protocol, and those to a whole message.

There is only the stream: a message sent whole is a fold over the same events.  The contract,
tested against the official client's own types:

1. ``message_start`` comes first, ``message_delta`` with the stop reason and the counts and
   ``message_stop`` come last, once each.
2. Blocks follow each other and never overlap; a block is opened by what it has to hold.
3. A block of reasoning ends with its signature.
4. A call that was cut off has no ``content_block_stop`` and is left out of a whole message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import orjson

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Event,
    Finish,
    ReasoningDelta,
    Scores,
    TextDelta,
)
from gguf_fc.job import Done
from gguf_fc.protocols.messages.error_body import error_body
from gguf_fc.protocols.messages.request import Manner
from gguf_fc.protocols.messages.signature import SHOWN, signature_of
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.reply_fields import loosened, validation

StopReason = Literal[
    "end_turn", "tool_use", "stop_sequence", "max_tokens", "model_context_window_exceeded"
]
BlockKind = Literal["text", "thinking", "tool_use"]


@dataclass(slots=True, eq=False)
class MessageStream:
    """Encodes events as the protocol's."""

    envelope: Envelope
    manner: Manner = field(default_factory=Manner)
    _open: BlockKind | None = field(default=None, init=False)
    _index: int = field(default=-1, init=False)  # of the block opened last
    _reasoning: list[str] = field(default_factory=list, init=False)  # of the open block
    _complete_calls: int = field(default=0, init=False)

    def begin(self) -> Iterator[Json]:
        """The message while it is empty."""
        usage = {"input_tokens": self.envelope.prompt_tokens, "output_tokens": 0}
        yield {"type": "message_start", "message": _message(self.envelope, usage=usage)}

    def end(self) -> Iterator[Json]:
        """The event that closes the stream."""
        yield {"type": "message_stop"}

    def fail(self, error: Exception) -> Json:
        """*error* as the last event."""
        return error_body(error)

    def encode(self, choice: int, event: Event) -> Iterator[Json]:  # noqa: ARG002
        """The protocol's events that carry *event*; this protocol has one choice only."""
        match event:
            case TextDelta(text):
                yield from self._in_block("text", {"type": "text", "text": ""})
                yield self._delta({"type": "text_delta", "text": text})
            case ReasoningDelta(text):
                empty = {"type": "thinking", "thinking": "", "signature": ""}
                yield from self._in_block("thinking", empty)
                self._reasoning.append(text)
                if not self.manner.omits_thinking:
                    yield self._delta({"type": "thinking_delta", "thinking": text})
            case CallStart(_, id_, name):
                yield from self._close()
                call = {"type": "tool_use", "id": id_, "name": name, "input": {}}
                yield from self._in_block("tool_use", call)
            case CallDelta(_, arguments):
                yield self._delta({"type": "input_json_delta", "partial_json": arguments})
            case CallEnd():
                self._complete_calls += 1
                yield from self._close()
            case Finish(done, checks):
                if self._open != "tool_use":  # a call that is still open was cut off
                    yield from self._close()
                stop = stopped(done, self._complete_calls, self.manner.max_tokens)
                last = {"type": "message_delta", "delta": stop, "usage": usage_of(event)}
                yield last | validation({0: checks})
            case Scores():
                pass  # the protocol has no place for them

    def _in_block(self, kind: BlockKind, empty: Json) -> Iterator[Json]:
        if self._open == kind:
            return
        yield from self._close()
        self._open = kind
        self._index += 1
        yield {"type": "content_block_start", "index": self._index, "content_block": empty}

    def _close(self) -> Iterator[Json]:
        if self._open is None:
            return
        if self._open == "thinking":
            signature = _signature("".join(self._reasoning), self.manner)
            self._reasoning.clear()
            yield self._delta({"type": "signature_delta", "signature": signature})
        self._open = None
        yield {"type": "content_block_stop", "index": self._index}

    def _delta(self, delta: Json) -> Json:
        return {"type": "content_block_delta", "index": self._index, "delta": delta}


@dataclass(slots=True, eq=False)
class MessageReply:
    """Folds the stream's events into one message."""

    envelope: Envelope
    manner: Manner = field(default_factory=Manner)
    _stream: MessageStream = field(init=False)
    _block: Json = field(default_factory=dict, init=False)  # the one that is open
    _pieces: list[str] = field(default_factory=list, init=False)  # of what it holds
    _content: list[Json] = field(default_factory=list, init=False)
    _last: Json = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._stream = MessageStream(self.envelope, self.manner)

    def add(self, choice: int, event: Event) -> None:
        """Take in one event."""
        for data in self._stream.encode(choice, event):
            self._fold(data)

    def result(self) -> Json:
        """The whole message."""
        assert self._last, "a message ends with Finish"
        told = {key: value for key, value in self._last.items() if key == "validation"}
        stop: Json = self._last["delta"]
        whole = _message(self.envelope, usage=self._last["usage"], content=self._content)
        return whole | stop | told

    def _fold(self, data: Json) -> None:
        match data:
            case {"type": "content_block_start", "content_block": block}:
                self._block, self._pieces = dict(block), []
            case {"delta": {"signature": signature}}:
                self._block["signature"] = signature
            case {"delta": {"text": piece} | {"thinking": piece} | {"partial_json": piece}}:
                self._pieces.append(piece)
            case {"type": "content_block_stop"}:
                self._content.append(self._block | self._held())
            case _:
                self._last = data

    def _held(self) -> Json:
        """Content of the open block; a call's arguments exactly as the model wrote them."""
        joined, kind = "".join(self._pieces), self._block["type"]
        if kind == "tool_use":
            return {"input": orjson.Fragment(joined or "{}")}
        return {kind: joined}


def stopped(done: Done, complete_calls: int, max_tokens: int | None) -> Json:
    """``stop_reason`` and ``stop_sequence``; a reply that was cut off is never ``tool_use``."""
    reason: StopReason = "end_turn"
    sequence = None
    if done.finish_reason == "length":
        within = max_tokens is not None and done.completion_tokens < max_tokens
        reason = "model_context_window_exceeded" if within else "max_tokens"
    elif complete_calls:
        reason = "tool_use"
    elif done.stop_string is not None:
        reason, sequence = "stop_sequence", done.stop_string
    return {"stop_reason": reason, "stop_sequence": sequence}


def usage_of(finish: Finish) -> Json:
    """Exact token counts; tokens from the KV cache are counted apart."""
    done = finish.done
    return {
        "input_tokens": done.prompt_tokens - done.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": done.cached_tokens,
        "output_tokens": done.completion_tokens,
        "output_tokens_details": {"thinking_tokens": finish.reasoning_tokens},
    }


def _signature(reasoning: str, manner: Manner) -> str:
    return signature_of(reasoning) if manner.omits_thinking else SHOWN


def _message(envelope: Envelope, *, usage: Json, content: list[Json] | None = None) -> Json:
    return {
        "id": envelope.id,
        "type": "message",
        "role": "assistant",
        "model": envelope.model,
        "content": content or [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
        **loosened(envelope),
    }
