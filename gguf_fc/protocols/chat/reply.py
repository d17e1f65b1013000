"""Chat completions: events to chunks, and chunks to a whole reply.

There is only the stream: the reply to a request without ``stream`` is a fold over the same
events.  The contract of the chunks, tested as golden files:

1. the first delta has the role and no content; every chunk of a stream has the same ``id``
   and ``created``;
2. a call opens with one delta with ``index``, ``id``, ``type``, ``name`` and empty ``arguments``;
   its later deltas have only ``index`` and ``arguments``; other forms of calls are in ``calls``;
3. exactly one chunk has a ``finish_reason``; then, if asked for, one chunk with ``usage`` and no
   choices; then ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

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
from gguf_fc.protocols.chat.calls import (
    CallFinish,
    CallForm,
    CallWriter,
    CustomCalls,
    LegacyCall,
    WholeCall,
)
from gguf_fc.protocols.chat.request import ChatAsked
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.reply_fields import FINGERPRINT, loosened, scored, timings, validation

ChatFinish = Literal["stop", "length"] | CallFinish


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Calls of functions, as rule 2 has them."""

    finish: CallFinish = "tool_calls"

    def delta(self, event: CallStart | CallDelta | CallEnd) -> Json | None:
        """Delta of *event*; None where it adds nothing."""
        match event:
            case CallStart(index, id_, name):
                return {"tool_calls": [{"index": index, "id": id_, **_function(name, "")}]}
            case CallDelta(index, arguments):
                return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}
            case CallEnd():
                return None

    def message(self, calls: Sequence[WholeCall]) -> Json:
        """Part of a message that holds *calls*."""
        told = [{"id": call.id, **_function(call.name, call.arguments)} for call in calls]
        return {"tool_calls": told}


# As OpenAI has it, for clients that look for it: what a model says is never set apart as a refusal.
_OPENING: Json = {"role": "assistant", "refusal": None}


def writer_of(form: CallForm) -> CallWriter:
    """A writer for the calls of one choice."""
    if form.legacy:
        return LegacyCall()
    return CustomCalls(form.custom, ToolCalls()) if form.custom else ToolCalls()


@dataclass(slots=True, eq=False)
class ChatStream:
    """Encodes events as chunks."""

    asked: ChatAsked
    envelope: Envelope
    _writers: dict[int, CallWriter] = field(default_factory=dict, init=False)
    _complete_calls: dict[int, int] = field(default_factory=dict, init=False)
    _scores: dict[int, list[Json]] = field(default_factory=dict, init=False)  # not sent yet
    _ends: list[Finish] = field(default_factory=list, init=False)

    def begin(self) -> Iterator[Json]:
        """A chunk with the role for each choice."""
        beside = loosened(self.envelope)
        for choice in range(len(self.asked.requests)):
            yield self._chunk(choice, {**_OPENING, "content": None}) | beside

    def encode(self, choice: int, event: Event) -> Iterator[Json]:
        """The chunks that carry *event*."""
        match event:
            case TextDelta(text):
                yield self._chunk(choice, {"content": text})
            case ReasoningDelta(text):
                yield self._chunk(choice, {"reasoning_content": text})
            case CallStart() | CallDelta() | CallEnd():
                yield from self._call(choice, event)
            case Scores(tokens):
                self._scores.setdefault(choice, []).extend(map(scored, tokens))
            case Finish(done, checks):
                complete = self._complete_calls.get(choice, 0)
                reason = finish_reason(done, complete, self._writer(choice).finish)
                self._ends.append(event)
                yield self._chunk(choice, {}, reason) | validation({choice: checks})

    def end(self) -> Iterator[Json]:
        """Chunk with the cost of all choices, if that was asked for."""
        if self.asked.include_usage:
            yield self._object([]) | {"usage": usage(self._ends), "timings": timings(self._ends)}

    def fail(self, error: Exception) -> Json:
        """*error* as the last object."""
        return error_body(error)

    def _call(self, choice: int, event: CallStart | CallDelta | CallEnd) -> Iterator[Json]:
        if (delta := self._writer(choice).delta(event)) is not None:
            yield self._chunk(choice, delta)
        if isinstance(event, CallEnd):
            self._complete_calls[choice] = self._complete_calls.get(choice, 0) + 1

    def _writer(self, choice: int) -> CallWriter:
        return self._writers.setdefault(choice, writer_of(self.asked.form))

    def _chunk(self, choice: int, delta: Json, finish: ChatFinish | None = None) -> Json:
        logprobs = score_list(self._scores.pop(choice, None))
        return self._object(
            [{"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}]
        )

    def _object(self, choices: list[Json]) -> Json:
        return {
            "id": self.envelope.id,
            "object": "chat.completion.chunk",
            "created": self.envelope.created,
            "model": self.envelope.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        }


@dataclass(slots=True, eq=False)
class ChatChoice:
    """One choice while its events come in."""

    writer: CallWriter
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, WholeCall] = field(default_factory=dict)
    scores: list[Json] = field(default_factory=list)
    finish: Finish | None = None

    def add(self, event: Event) -> None:
        match event:
            case TextDelta(text):
                self.text.append(text)
            case ReasoningDelta(text):
                self.reasoning.append(text)
            case CallStart(index, id_, name):
                self.calls[index] = WholeCall(id_, name)
            case CallDelta(index, arguments):
                self.calls[index].pieces.append(arguments)
            case CallEnd(index):
                self.calls[index].complete = True
            case Scores(tokens):
                self.scores.extend(map(scored, tokens))
            case Finish():
                self.finish = event

    @property
    def ended(self) -> Finish:
        assert self.finish is not None
        return self.finish

    def result(self, index: int) -> Json:
        """The choice as JSON.  A call that was cut off is left out."""
        calls = [call for call in self.calls.values() if call.complete]
        return {
            "index": index,
            "message": self._message(calls),
            "logprobs": score_list(self.scores),
            "finish_reason": finish_reason(self.ended.done, len(calls), self.writer.finish),
        }

    def _message(self, calls: list[WholeCall]) -> Json:
        text = "".join(self.text)
        message: Json = {**_OPENING, "content": text if text or not calls else None}
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if calls:
            message |= self.writer.message(calls)
        return message


@dataclass(slots=True, eq=False)
class ChatReply:
    """Folds events into one reply: ``add`` for each, then ``result``."""

    asked: ChatAsked
    envelope: Envelope
    _choices: dict[int, ChatChoice] = field(default_factory=dict, init=False)

    def add(self, choice: int, event: Event) -> None:
        """Take in one event."""
        self._choices.setdefault(choice, ChatChoice(writer_of(self.asked.form))).add(event)

    def result(self) -> Json:
        """The whole reply; only after every choice has had its ``Finish``."""
        choices = sorted(self._choices.items())
        ends = [choice.ended for _, choice in choices]
        return {
            "id": self.envelope.id,
            "object": "chat.completion",
            "created": self.envelope.created,
            "model": self.envelope.model,
            "system_fingerprint": FINGERPRINT,
            "choices": [choice.result(index) for index, choice in choices],
            "usage": usage(ends),
            "timings": timings(ends),
            **validation({index: choice.ended.checks for index, choice in choices}),
            **loosened(self.envelope),
        }


def finish_reason(done: Done, complete_calls: int, called: CallFinish) -> ChatFinish:
    """``finish_reason`` of a choice; one that was cut off is never *called*."""
    if done.finish_reason == "length":
        return "length"
    return called if complete_calls else "stop"


def usage(ends: Sequence[Finish]) -> Json:
    """Exact token counts of all choices; their common prompt counts once."""
    jobs = [end.done for end in ends]
    prompt, completion = jobs[0].prompt_tokens, sum(done.completion_tokens for done in jobs)
    right = sum(done.accepted_predictions for done in jobs)
    wrong = sum(done.drafted_predictions for done in jobs) - right
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": jobs[0].cached_tokens},
        "completion_tokens_details": {
            "reasoning_tokens": sum(end.reasoning_tokens for end in ends),
            "accepted_prediction_tokens": right,
            "rejected_prediction_tokens": wrong,
        },
    }


def score_list(scores: list[Json] | None) -> Json | None:
    """The ``logprobs`` of a choice: every token of the reply, calls and reasoning included."""
    return {"content": scores, "refusal": None} if scores else None


def _function(name: str, arguments: str) -> Json:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}
