"""Reader of one reply of a conversation: parses its text to events, and checks what they say.

Complete calls and the answer are checked against the client's own schemas; the judging itself is
``validation``'s.  What was cut off is not checked: the finish reason says so already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    Event,
    Finish,
    ParseEvent,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.generation.repeated_calls import RepeatedCalls
from gguf_fc.generation.reply_memory import MadeCall
from gguf_fc.generation.validation import Subject, Validators
from gguf_fc.job import Chunk, Done
from gguf_fc.request import Request, Schema
from gguf_fc.scored_tokens import TokenLogprob

ANY_OBJECT: Schema = {"type": "object"}


class TurnParser(Protocol):
    """The part of ``dialect``'s parser that is used."""

    def feed(self, piece: str) -> list[ParseEvent]:
        """The events that *piece* completes."""
        ...

    def finish(self, *, whole: bool = True, stopped: bool = False) -> list[ParseEvent]:
        """The events that were held back; not *whole*: the text was cut off.

        *stopped*: at a stop string of the client.
        """
        ...


@dataclass(slots=True, eq=False)
class ReplyReader:
    """Feed it chunks, then ``finish``.  *parser* knows the model's syntax.

    *remember* gets each complete call.
    """

    parser: TurnParser
    request: Request
    validators: Validators
    begun: str = ""  # of the content, by the client
    remember: Callable[[MadeCall], None] | None = None
    _repeated: RepeatedCalls | None = field(default=None, init=False)  # from the second call on
    _reasoning: list[str] = field(default_factory=list, init=False)  # before the first call
    _calls: dict[int, tuple[CallStart, list[str]]] = field(default_factory=dict, init=False)
    _made: list[tuple[CallStart, str]] = field(default_factory=list, init=False)  # complete calls
    _text: list[str] = field(default_factory=list, init=False)
    _checks: list[Check] = field(default_factory=list, init=False)
    _before: int = field(default=0, init=False)  # tokens before the first that is no reasoning
    _reasoned: bool = field(default=False, init=False)
    _answers: bool = field(default=False, init=False)  # something else than reasoning was written

    @property
    def ended(self) -> bool:
        """True if a repeated call has ended the turn."""
        return self._repeated is not None and self._repeated.ended

    def begin(self, prompt_scores: Sequence[TokenLogprob]) -> Sequence[Event]:  # noqa: ARG002
        """No event: the prompt of a conversation is not repeated."""
        return ()

    async def feed(self, chunk: Chunk) -> Sequence[ParseEvent]:
        """The events that *chunk* completes."""
        events = self.parser.feed(chunk.text)
        self._count_reasoning(chunk.n_tokens, events)
        return await self._take(events)

    async def finish(self, done: Done) -> Sequence[Event]:
        """The events the parser held back, and the end with all checks."""
        events = await self._take(
            self.parser.finish(
                whole=done.finish_reason == "stop", stopped=done.stop_string is not None
            )
        )
        if self._repeated is not None:
            for event in (held := self._repeated.finish()):
                await self._note(event)
            events += held
        await self._check_answer(done)
        reasoning_tokens = self._before if self._reasoned else 0
        repeated = 0 if self._repeated is None else self._repeated.count
        return (*events, Finish(done, tuple(self._checks), reasoning_tokens, repeated))

    def _count_reasoning(self, n_tokens: int, events: Sequence[ParseEvent]) -> None:
        """Count *n_tokens*, the last of which complete *events*, while there is only reasoning."""
        if not self._answers:
            self._answers = any(not isinstance(event, ReasoningDelta) for event in events)
        if not self._answers:
            self._reasoned = self._reasoned or bool(events)
            self._before += n_tokens

    async def _take(self, parsed: Sequence[ParseEvent]) -> list[ParseEvent]:
        """Note and return those of *parsed* that may be sent, which repeated calls may not."""
        taken: list[ParseEvent] = []
        for event in parsed:
            if isinstance(event, CallStart) and self._calls and self._repeated is None:
                self._repeated = self._repeatable()
            for sent in (event,) if self._repeated is None else self._repeated.passed([event]):
                await self._note(sent)
                taken.append(sent)
        return taken

    def _repeatable(self) -> RepeatedCalls | None:
        """The calls so far, which no later one may repeat; None where the client wants all."""
        if self.request.parallel_tool_calls is True:
            return None
        repeated = RepeatedCalls(whole=not self.request.stream)
        for call, arguments in self._made:
            repeated.add(call.name, arguments)
        return repeated

    async def _note(self, event: ParseEvent) -> None:
        match event:
            case TextDelta(text):
                self._text.append(text)
            case CallStart(index):
                self._calls[index] = event, []
            case CallDelta(index, arguments):
                self._calls[index][1].append(arguments)
            case CallEnd(index):
                start, pieces = self._calls[index]
                await self._finish_call(start, "".join(pieces))
            case ReasoningDelta(text) if not self._calls:
                self._reasoning.append(text)
            case ReasoningDelta():
                pass

    async def _finish_call(self, call: CallStart, arguments: str) -> None:
        self._made.append((call, arguments))
        if self.remember is not None:
            reasoning = "".join(self._reasoning)
            self.remember(MadeCall(call.id, call.name, arguments, reasoning))
        place = f"tool_calls[{call.index}]"
        await self._check("arguments", place, arguments, self._parameters(call.name))

    async def _check_answer(self, done: Done) -> None:
        text = "".join(self._text)
        whole = done.finish_reason == "stop" and not (self._calls and not text.strip())
        if self.request.format.type != "text" and whole:
            schema = self.request.format.schema
            schema = ANY_OBJECT if schema is None else schema
            await self._check("answer", "content", self.begun + text, schema)

    async def _check(self, subject: Subject, place: str, text: str, schema: Schema) -> None:
        verdict = await self.validators.judge(subject, text, schema)
        self._checks.append(Check(place, verdict.result, verdict.reason))

    def _parameters(self, name: str) -> Schema:
        declared = (tool.parameters for tool in self.request.tools if tool.name == name)
        schema = next(declared, None)
        return ANY_OBJECT if schema is None else schema
