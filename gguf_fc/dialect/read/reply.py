"""A whole reply: the fold over a parser's events."""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.dialect.read.parser import Parser
from gguf_fc.events import CallDelta, CallEnd, CallStart, ReasoningDelta, TextDelta


@dataclass(frozen=True, slots=True)
class ReplyCall:
    """A complete call.  *arguments* is the text of a JSON object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """Content, reasoning and calls of a whole reply.  None: there was none."""

    content: str | None
    reasoning_content: str | None
    tool_calls: tuple[ReplyCall, ...]


@dataclass(slots=True)
class _Pending:
    id: str
    name: str
    arguments: list[str] = field(default_factory=list)


def read(parser: Parser, text: str) -> Reply:
    """Parse a whole turn.  A call that was cut off is left out."""
    said: list[str] = []
    thought: list[str] = []
    pending: dict[int, _Pending] = {}
    done: list[ReplyCall] = []
    for event in [*parser.feed(text), *parser.finish()]:
        match event:
            case TextDelta(text=piece):
                said.append(piece)
            case ReasoningDelta(text=piece):
                thought.append(piece)
            case CallStart(index=index, id=id_, name=name):
                pending[index] = _Pending(id_, name)
            case CallDelta(index=index, arguments=piece):
                pending[index].arguments.append(piece)
            case CallEnd(index=index):
                call = pending[index]
                done.append(ReplyCall(call.id, call.name, "".join(call.arguments)))
    return Reply("".join(said) or None, "".join(thought) or None, tuple(done))
