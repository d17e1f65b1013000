"""Calls in a chat completion in other forms than ``tool_calls`` of functions, which is ``reply``'s.

These are calls of custom tools and the legacy ``function_call``.  A writer turns the events of one
choice into deltas, and complete calls into the part of a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gguf_fc.dialect.openai_json.custom_tools import text_in
from gguf_fc.events import CallDelta, CallEnd, CallStart
from gguf_fc.protocols.protocol import Json

CallFinish = Literal["tool_calls", "function_call"]


@dataclass(slots=True)
class WholeCall:
    """A call while its arguments stream in."""

    id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def arguments(self) -> str:
        """Text of the arguments so far."""
        return "".join(self.pieces)


class CallWriter(Protocol):
    """One form of calls.  *finish* is the ``finish_reason`` of a reply that has some."""

    @property
    def finish(self) -> CallFinish: ...

    def delta(self, event: CallStart | CallDelta | CallEnd) -> Json | None:
        """Delta of *event*; None where it adds nothing."""
        ...

    def message(self, calls: Sequence[WholeCall]) -> Json:
        """Part of a message that holds *calls*, all of them complete, at least one."""
        ...


@dataclass(slots=True, eq=False)
class CustomCalls:
    """Calls of tools named in *custom*, which take a text, among those that *functions* writes."""

    custom: frozenset[str]
    functions: CallWriter
    finish: CallFinish = "tool_calls"
    _texts: dict[int, list[str]] = field(default_factory=dict, init=False)  # arguments so far

    def delta(self, event: CallStart | CallDelta | CallEnd) -> Json | None:
        """Delta of *event*.  A custom tool's text comes whole, once it is complete."""
        match event:
            case CallStart(index, id_, name) if name in self.custom:
                self._texts[index] = []
                return {"tool_calls": [{"index": index, "id": id_, **_custom(name, "")}]}
            case CallDelta(index, arguments) if index in self._texts:
                self._texts[index].append(arguments)
                return None
            case CallEnd(index) if index in self._texts:
                text = text_in("".join(self._texts[index]))
                return {"tool_calls": [{"index": index, "custom": {"input": text}}]}
            case _:
                return self.functions.delta(event)

    def message(self, calls: Sequence[WholeCall]) -> Json:
        """Part of a message that holds *calls*."""
        return {"tool_calls": [told for call in calls for told in self._told(call)]}

    def _told(self, call: WholeCall) -> list[Json]:
        if call.name in self.custom:
            return [{"id": call.id, **_custom(call.name, text_in(call.arguments))}]
        told: list[Json] = self.functions.message([call])["tool_calls"]
        return told


@dataclass(frozen=True, slots=True)
class LegacyCall:
    """``function_call``: there is one at most, and it has no id."""

    finish: CallFinish = "function_call"

    def delta(self, event: CallStart | CallDelta | CallEnd) -> Json | None:
        """Delta of *event*; None where it adds nothing."""
        match event:
            case CallStart(name=name):
                return {"function_call": {"name": name, "arguments": ""}}
            case CallDelta(arguments=arguments):
                return {"function_call": {"arguments": arguments}}
            case CallEnd():
                return None

    def message(self, calls: Sequence[WholeCall]) -> Json:
        """The one call."""
        (call,) = calls
        return {"function_call": {"name": call.name, "arguments": call.arguments}}


@dataclass(frozen=True, slots=True)
class CallForm:
    """Form in which the client reads calls."""

    legacy: bool = False
    custom: frozenset[str] = frozenset()


def _custom(name: str, text: str) -> Json:
    return {"type": "custom", "custom": {"name": name, "input": text}}
