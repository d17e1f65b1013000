"""The checks of one reply: its complete calls and its answer, against the client's schemas.

Watches the events of a reply as they pass and knows what was asked; the judging itself is
``validation``'s.  What was cut off is not checked: the finish reason says so already.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    Check,
    ParseEvent,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.generation.validation import Kind, Validators
from gguf_fc.job import Done
from gguf_fc.request import Request, Schema

ANY_OBJECT: Schema = {"type": "object"}


@dataclass(slots=True, eq=False)
class ReplyChecks:
    """``note`` each event, then ``finish``."""

    request: Request
    validators: Validators
    begun: str = ""  # of the content, by the client
    _calls: dict[int, tuple[str, list[str]]] = field(default_factory=dict, init=False)
    _text: list[str] = field(default_factory=list, init=False)
    _made: list[Check] = field(default_factory=list, init=False)

    async def note(self, event: ParseEvent) -> None:
        """Take in one event; a call is checked where it ends."""
        match event:
            case TextDelta(text):
                self._text.append(text)
            case CallStart(index, _, name):
                self._calls[index] = name, []
            case CallDelta(index, arguments):
                self._calls[index][1].append(arguments)
            case CallEnd(index):
                name, pieces = self._calls[index]
                subject = f"tool_calls[{index}]"
                await self._check("arguments", subject, "".join(pieces), self._parameters(name))
            case ReasoningDelta():
                pass

    async def finish(self, done: Done) -> tuple[Check, ...]:
        """All checks, once the reply has ended."""
        text = "".join(self._text)
        whole = done.finish_reason == "stop" and not (self._calls and not text.strip())
        if self.request.format.type != "text" and whole:
            schema = self.request.format.schema
            whole_text = self.begun + text
            schema = ANY_OBJECT if schema is None else schema
            await self._check("answer", "content", whole_text, schema)
        return tuple(self._made)

    async def _check(self, kind: Kind, subject: str, text: str, schema: Schema) -> None:
        verdict = await self.validators.judge(kind, text, schema)
        self._made.append(Check(subject, verdict.result, verdict.reason))

    def _parameters(self, name: str) -> Schema:
        declared = (tool.parameters for tool in self.request.tools if tool.name == name)
        schema = next(declared, None)
        return ANY_OBJECT if schema is None else schema
