"""Ollama's protocol: events to lines of JSON, and those to one object.

There is only the stream: a reply sent whole is a fold over the same lines.  The contract:

1. Every line but the last has ``done: false`` and a piece of the reply; the last has
   ``done: true``, the reason and the counts, with times in nanoseconds.
2. A call is one line, sent when it is complete: arguments are an object here, not text.  One that
   was cut off is never sent.
3. Without a ``Finish`` the model was only loaded, and the last line says that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from gguf_fc.protocols.ollama.error_body import error_body
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.reply_fields import loosened, scored, validation

OllamaKind = Literal["chat", "generate"]

NS_PER_MS = 1_000_000


def piece(
    kind: OllamaKind, text: str = "", *, thinking: str = "", calls: Sequence[Json] = ()
) -> Json:
    """A piece of the reply, in the place that each kind of request has for it."""
    thought = {"thinking": thinking} if thinking else {}
    if kind == "generate":
        return {"response": text, **thought}
    called = {"tool_calls": list(calls)} if calls else {}
    return {"message": {"role": "assistant", "content": text, **thought, **called}}


@dataclass(slots=True)
class UnsentCall:
    """A call until it is complete: lines hold whole calls only."""

    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class OllamaStream:
    """Encodes events as objects, each one line.  *name* is the model as the client called it."""

    kind: OllamaKind
    name: str
    envelope: Envelope
    _calls: dict[int, UnsentCall] = field(default_factory=dict, init=False)  # those that are open
    _scores: list[Json] = field(default_factory=list, init=False)  # of what comes next
    _finish: Finish | None = field(default=None, init=False)

    def begin(self) -> Iterator[Json]:
        """Nothing: the first piece of the reply opens the stream."""
        yield from ()

    def end(self) -> Iterator[Json]:
        """The last object."""
        yield self.last()

    def fail(self, error: Exception) -> Json:
        """*error* as the last object."""
        return error_body(error)

    def encode(self, choice: int, event: Event) -> Iterator[Json]:  # noqa: ARG002
        """The objects that carry *event*; this protocol has one choice only."""
        match event:
            case TextDelta(text):
                yield self._object(piece(self.kind, text))
            case ReasoningDelta(text):
                yield self._object(piece(self.kind, thinking=text))
            case CallStart(index, id_, name):
                self._calls[index] = UnsentCall(id_, name)
            case CallDelta(index, arguments):
                self._calls[index].arguments.append(arguments)
            case CallEnd(index):
                call = _called(index, self._calls.pop(index))
                yield self._object(piece(self.kind, calls=[call]))
            case Scores(tokens):
                self._scores.extend(map(scored, tokens))
            case Finish():
                self._finish = event

    def last(self) -> Json:
        """Last object: ``done_reason``, counts and times, and no more text."""
        ended = {"done": True, "done_reason": "load"}
        if self._finish is not None:
            ended = _ended(self._finish)
        warned = {"warnings": list(self.envelope.warnings)} if self.envelope.warnings else {}
        return self._object(piece(self.kind)) | ended | loosened(self.envelope) | warned

    def _object(self, said: Json) -> Json:
        scores = {"logprobs": self._scores} if self._scores else {}
        self._scores = []
        created = datetime.fromtimestamp(self.envelope.created, UTC)
        return {
            "model": self.name,
            "created_at": created.isoformat().replace("+00:00", "Z"),
            **said,
            **scores,
            "done": False,
        }


@dataclass(slots=True, eq=False)
class OllamaReply:
    """Folds what the stream says into one object."""

    kind: OllamaKind
    name: str
    envelope: Envelope
    _stream: OllamaStream = field(init=False)
    _said: list[Json] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._stream = OllamaStream(self.kind, self.name, self.envelope)

    def add(self, choice: int, event: Event) -> None:
        """Take in one event."""
        self._said.extend(self._stream.encode(choice, event))

    def result(self) -> Json:
        """The whole reply."""
        last = self._stream.last()
        pieces = [said.get("message", said) for said in self._said]
        whole = piece(
            self.kind,
            "".join(said["content" if self.kind == "chat" else "response"] for said in pieces),
            thinking="".join(said.get("thinking", "") for said in pieces),
            calls=[call for said in pieces for call in said.get("tool_calls", [])],
        )
        scores = [score for said in (*self._said, last) for score in said.get("logprobs", [])]
        return last | whole | ({"logprobs": scores} if scores else {})


def _called(index: int, call: UnsentCall) -> Json:
    arguments = orjson.Fragment("".join(call.arguments) or "{}")  # exactly as the model wrote them
    return {"id": call.id, "function": {"index": index, "name": call.name, "arguments": arguments}}


def _ended(finish: Finish) -> Json:
    done = finish.done
    prompt, completion = (round(ms * NS_PER_MS) for ms in (done.prompt_ms, done.completion_ms))
    return {
        "done": True,
        "done_reason": "length" if done.finish_reason == "length" else "stop",
        "total_duration": prompt + completion,
        "load_duration": 0,
        "prompt_eval_count": done.prompt_tokens,
        "prompt_eval_duration": prompt,
        "eval_count": done.completion_tokens,
        "eval_duration": completion,
        **validation({0: finish.checks}),
    }
