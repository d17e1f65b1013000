"""Chat completions: events to chunks, and chunks to a whole reply.

There is only the stream: the reply to a request without ``stream`` is a fold over the same
events.  The contract of the chunks, tested as golden files:

1. the first delta has the role and nothing else; every chunk of a stream has the same ``id``
   and ``created``;
2. a call opens with one delta with ``index``, ``id``, ``type``, ``name`` and empty ``arguments``;
   its later deltas have only ``index`` and ``arguments``;
3. exactly one chunk has a ``finish_reason``; then, if asked for, one chunk with ``usage`` and no
   choices; then ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Event,
    Finish,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.job import Done

Json = dict[str, Any]
ChatFinish = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every object of one reply has in common."""

    id: str
    created: int  # seconds since 1970
    model: str


@dataclass(slots=True, eq=False)
class ChatStream:
    """Encodes events as chunks: ``begin``, then ``encode`` for each event."""

    envelope: Envelope
    include_usage: bool = False
    _complete_calls: int = field(default=0, init=False)

    def begin(self) -> Json:
        """The chunk that opens the stream."""
        return self._chunk({"role": "assistant", "content": None})

    def encode(self, event: Event) -> Iterator[Json]:
        """The chunks that carry *event*."""
        match event:
            case TextDelta(text):
                yield self._chunk({"content": text})
            case ReasoningDelta(text):
                yield self._chunk({"reasoning_content": text})
            case CallStart(index, id_, name):
                function = {"name": name, "arguments": ""}
                yield self._call(
                    {"index": index, "id": id_, "type": "function", "function": function}
                )
            case CallDelta(index, arguments):
                yield self._call({"index": index, "function": {"arguments": arguments}})
            case CallEnd():
                self._complete_calls += 1
            case Finish(done, checks):
                last = self._chunk({}, finish_reason(done, self._complete_calls))
                yield last | validation(checks)
                if self.include_usage:
                    yield self._object([]) | {"usage": usage(done), "timings": timings(done)}

    def _call(self, call: Json) -> Json:
        return self._chunk({"tool_calls": [call]})

    def _chunk(self, delta: Json, finish: ChatFinish | None = None) -> Json:
        return self._object(
            [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        )

    def _object(self, choices: list[Json]) -> Json:
        return {
            "id": self.envelope.id,
            "object": "chat.completion.chunk",
            "created": self.envelope.created,
            "model": self.envelope.model,
            "choices": choices,
        }


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)
    complete: bool = False


@dataclass(slots=True, eq=False)
class ChatReply:
    """Folds events into one reply: ``add`` for each, then ``result``."""

    envelope: Envelope
    _text: list[str] = field(default_factory=list, init=False)
    _reasoning: list[str] = field(default_factory=list, init=False)
    _calls: dict[int, _Call] = field(default_factory=dict, init=False)
    _finish: Finish | None = field(default=None, init=False)

    def add(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case TextDelta(text):
                self._text.append(text)
            case ReasoningDelta(text):
                self._reasoning.append(text)
            case CallStart(index, id_, name):
                self._calls[index] = _Call(id_, name)
            case CallDelta(index, arguments):
                self._calls[index].arguments.append(arguments)
            case CallEnd(index):
                self._calls[index].complete = True
            case Finish():
                self._finish = event

    def result(self) -> Json:
        """The whole reply; only after ``Finish``.  A call that was cut off is left out."""
        assert self._finish is not None
        done = self._finish.done
        calls = [call for call in self._calls.values() if call.complete]
        choice = {
            "index": 0,
            "message": self._message(calls),
            "logprobs": None,
            "finish_reason": finish_reason(done, len(calls)),
        }
        return {
            "id": self.envelope.id,
            "object": "chat.completion",
            "created": self.envelope.created,
            "model": self.envelope.model,
            "choices": [choice],
            "usage": usage(done),
            "timings": timings(done),
            **validation(self._finish.checks),
        }

    def _message(self, calls: list[_Call]) -> Json:
        text = "".join(self._text)
        message: Json = {"role": "assistant", "content": text if text or not calls else None}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(call.arguments)},
                }
                for call in calls
            ]
        return message


def finish_reason(done: Done, complete_calls: int) -> ChatFinish:
    """Why the reply ended, in the protocol's words; a reply cut off is never ``tool_calls``."""
    if done.finish_reason == "length":
        return "length"
    return "tool_calls" if complete_calls else "stop"


def usage(done: Done) -> Json:
    """The exact token counts."""
    return {
        "prompt_tokens": done.prompt_tokens,
        "completion_tokens": done.completion_tokens,
        "total_tokens": done.prompt_tokens + done.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": done.cached_tokens},
    }


def validation(checks: tuple[Check, ...]) -> Json:
    """What the checks against the client's schemas found, where there was anything to check."""
    found = [
        {"subject": check.subject, "result": check.result}
        | ({} if check.reason is None else {"reason": check.reason})
        for check in checks
    ]
    return {"validation": found} if found else {}


def timings(done: Done) -> Json:
    """What the reply cost; not part of the protocol, so clients pass over it."""
    return {
        "prompt_ms": round(done.prompt_ms, 3),
        "completion_ms": round(done.completion_ms, 3),
        "decode_steps": done.decode_steps,
        "forced_tokens": done.forced_tokens,
    }
