"""Calls in a chat completion: ``tool_calls``, custom ones among them, or legacy ``function_call``.

A writer turns the events of one choice into deltas, and complete calls into the part of a message.
Knows the JSON of calls; chunks and finish reasons are ``reply``'s business.
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
class ToolCalls:
    """``tool_calls``.  *custom* are the names of custom tools, which take a text."""

    custom: frozenset[str] = frozenset()
    finish: CallFinish = "tool_calls"
    _custom: dict[int, list[str]] = field(default_factory=dict, init=False)  # arguments so far

    def delta(self, event: CallStart | CallDelta | CallEnd) -> Json | None:
        """Delta of *event*.  A custom tool's text comes whole, once it is complete."""
        match event:
            case CallStart(index, id_, name) if name in self.custom:
                self._custom[index] = []
                return _delta(index, {"id": id_, **_custom(name, "")})
            case CallStart(index, id_, name):
                return _delta(index, {"id": id_, **_function(name, "")})
            case CallDelta(index, arguments) if index in self._custom:
                self._custom[index].append(arguments)
                return None
            case CallDelta(index, arguments):
                return _delta(index, {"function": {"arguments": arguments}})
            case CallEnd(index) if index in self._custom:
                return _delta(index, {"custom": {"input": text_in("".join(self._custom[index]))}})
            case CallEnd():
                return None

    def message(self, calls: Sequence[WholeCall]) -> Json:
        """Part of a message that holds *calls*."""
        return {"tool_calls": [{"id": call.id, **self._told(call)} for call in calls]}

    def _told(self, call: WholeCall) -> Json:
        if call.name in self.custom:
            return _custom(call.name, text_in(call.arguments))
        return _function(call.name, call.arguments)


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

    def writer(self) -> CallWriter:
        """A writer for one choice."""
        return LegacyCall() if self.legacy else ToolCalls(self.custom)


def _delta(index: int, call: Json) -> Json:
    return {"tool_calls": [{"index": index, **call}]}


def _function(name: str, arguments: str) -> Json:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def _custom(name: str, text: str) -> Json:
    return {"type": "custom", "custom": {"name": name, "input": text}}
