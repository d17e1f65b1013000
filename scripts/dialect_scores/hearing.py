"""Fold of a parser's events over a text, with the calls that were cut off.

``Dialect.parse`` leaves those out, as a reply must; here they are kept, marked as incomplete,
because the corpus says what a stream should have shown of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gguf_fc import Dialect
from gguf_fc.events import (
    CallDelta,
    CallEnd,
    CallStart,
    ParseEvent,
    ReasoningDelta,
    TextDelta,
)
from gguf_fc.request import Tool


@dataclass(slots=True)
class HeardCall:
    """A call, perhaps cut off."""

    id: str
    name: str
    arguments: str = ""
    complete: bool = False


@dataclass(slots=True)
class Heard:
    """A reply, perhaps cut off."""

    content: str = ""
    reasoning: str = ""
    calls: list[HeardCall] = field(default_factory=list)

    def take(self, events: Iterable[ParseEvent]) -> None:
        """Add what *events* say."""
        for event in events:
            match event:
                case TextDelta(text=text):
                    self.content += text
                case ReasoningDelta(text=text):
                    self.reasoning += text
                case CallStart(id=id_, name=name):
                    self.calls.append(HeardCall(id_, name))
                case CallDelta(index=index, arguments=text):
                    self.calls[index].arguments += text
                case CallEnd(index=index):
                    self.calls[index].complete = True


def as_tool(row: dict[str, Any]) -> Tool:
    """The tool that *row* describes, whatever its name is.

    A request may not declare every name that a model of the corpus calls, and the library refuses
    such JSON as the server does; how a call is read does not depend on that.
    """
    function = row["function"]
    return Tool(name=function["name"], parameters=function.get("parameters"))


def hear(
    dialect: Dialect,
    pieces: Iterable[str],
    tools: list[Any],
    prefill: str = "",
    *,
    final: bool = True,
    inline: bool = False,
) -> Heard:
    """Everything *dialect* makes of the *pieces* of one turn; less, unless they are *final*.

    With *inline*, reasoning is left in the content.
    """
    offered = [as_tool(tool) for tool in tools]
    parser, heard = dialect.parser(tools=offered, prefill=prefill, inline=inline), Heard()
    for piece in pieces:
        heard.take(parser.feed(piece))
    if final:
        heard.take(parser.finish())
    return heard


def value_of(text: str) -> object:
    """JSON text as its value; other text, without its white space, as itself."""
    try:
        return json.loads(text)
    except ValueError:
        return "".join(text.split())


def is_object(text: str) -> bool:
    """True if *text* is a JSON object."""
    return isinstance(value_of(text), dict)
