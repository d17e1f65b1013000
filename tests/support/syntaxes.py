"""One table of turns, read by the tests of the writer, the grammar and the parser alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from gguf_fc.dialect.read.parser import Parser
from gguf_fc.dialect.syntax import Marked, Placeholder, Syntax
from gguf_fc.dialect.write import Call
from gguf_fc.events import CallDelta, ParseEvent, ReasoningDelta, TextDelta
from gguf_fc.grammar import Spacing
from gguf_fc.request import Tool

NAME, ARGUMENTS, ID = Placeholder("name"), Placeholder("arguments"), Placeholder("id")
THINK = Marked("<think>\n", "\n</think>\n\n")
_OBJECT = ('{"name": "', NAME, '", "arguments": ', ARGUMENTS, "}")

TAGGED = Syntax(
    call=('<tool_call>\n{"name": "', NAME, '", "arguments": ', ARGUMENTS, "}\n</tool_call>"),
    gap="\n",
    reasoning=THINK,
)
ARRAY = Syntax(call=_OBJECT, section=Marked("<calls>[", "]</calls>"), separator=", ")
BARE = Syntax(call=('{"name": "', NAME, '", "parameters": ', ARGUMENTS, "}"), parallel=False)
BARE_LIST = Syntax(call=_OBJECT, section=Marked("[", "]"), separator=", ")
WITH_ID = Syntax(
    call=('{"name": "', NAME, '", "arguments": ', ARGUMENTS, ', "id": "', ID, '"}'),
    section=Marked("[CALLS][", "]"),
    separator=", ",
)
TIGHT = Syntax(
    call=('<c>{"name":"', NAME, '","arguments":', ARGUMENTS, "}</c>"),
    separator="",
    spacing=Spacing(",", ":"),
)
NAME_IN_TAG = Syntax(call=("<function=", NAME, ">", ARGUMENTS, "</function>"), separator="")
RECIPIENT = Syntax(
    call=(">>>", NAME, "\n", ARGUMENTS), separator="", content=Marked(">>>all\n", "")
)
HEADED = Syntax(
    call=("<|from|>me\n<|to|>", NAME, "\n<|content|>", ARGUMENTS),
    gap="\n",
    content=Marked("<|from|>me\n<|to|>all\n<|content|>", ""),
)
FENCED = Syntax(
    call=("<|call|>function<|sep|>", NAME, "\n```json\n", ARGUMENTS, "\n```<|end|>"),
    section=Marked("<|calls|>", "<|ends|>"),
)

SYNTAXES = {
    "tagged": TAGGED,
    "array in tags": ARRAY,
    "bare": BARE,
    "bare list": BARE_LIST,
    "with id": WITH_ID,
    "tight": TIGHT,
    "name in tag": NAME_IN_TAG,
    "recipient": RECIPIENT,
    "headed": HEADED,
    "fenced": FENCED,
}

_TEXT = {"type": "string"}
TOOLS = (
    Tool(
        name="get_weather",
        parameters={
            "type": "object",
            "properties": {"city": _TEXT, "days": {"type": "integer"}},
            "required": ["city"],
        },
    ),
    Tool(name="get", parameters=None),
    Tool(name="files.write", parameters={"type": "object", "additionalProperties": True}),
)
NAMES = frozenset(tool.name for tool in TOOLS)
_SCHEMAS = {tool.name: tool.parameters for tool in TOOLS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a model says, to be written, constrained and read."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


def _calls(*named: tuple[str, dict[str, Any]]) -> tuple[Call, ...]:
    return tuple(Call(name, arguments, f"abcdefgh{n}") for n, (name, arguments) in enumerate(named))


PARIS = ("get_weather", {"city": "Paris"})
AWKWARD = ("files.write", {"text": 'a "b" {c} </tool_call> >>>get\n<think>', "n": [1, {"m": None}]})
TURNS = {
    "text": Turn(content="Hello there.\nHow are you?"),
    "one call": Turn(calls=_calls(PARIS)),
    "a call without arguments": Turn(calls=_calls(("get", {}))),
    "two calls": Turn(calls=_calls(PARIS, ("get_weather", {"city": "Lyon", "days": 3}))),
    "three calls": Turn(calls=_calls(PARIS, ("get", {}), AWKWARD)),
    "text, then a call": Turn(content="Let me look.", calls=_calls(PARIS)),
    "markers inside a string": Turn(calls=_calls(AWKWARD)),
    "not ASCII": Turn(calls=_calls(("get_weather", {"city": "Zürich 東京 🙂"}))),
    "reasoning, then text": Turn(reasoning="Hm.\nYes.", content="Yes."),
    "reasoning, then calls": Turn(reasoning="Hm, <tool_call> no", calls=_calls(PARIS)),
}


def can_say(syntax: Syntax, turn: Turn) -> bool:
    """Whether the syntax has room for such a turn."""
    if turn.reasoning and syntax.reasoning is None:
        return False
    if turn.calls and turn.content and not syntax.marker:
        return False
    return len(turn.calls) <= 1 or syntax.parallel


CASES = [
    (f"{form}: {what}", syntax, turn)
    for form, syntax in SYNTAXES.items()
    for what, turn in TURNS.items()
    if can_say(syntax, turn)
]


def new_parser(
    syntax: Syntax, *, names: frozenset[str] | None = NAMES, prefill: str = ""
) -> Parser:
    """A parser whose invented ids are ``call_0``, ``call_1`` ..."""
    numbers = count()
    schemas = None if names is None else {n: _SCHEMAS.get(n) for n in names}
    return Parser(syntax, schemas, lambda: f"call_{next(numbers)}", prefill)


def events_of(parser: Parser, pieces: Iterable[str]) -> list[ParseEvent]:
    """All events, with adjacent deltas made one."""
    events = [event for piece in pieces for event in parser.feed(piece)]
    return merged([*events, *parser.finish()])


def merged(events: Iterable[ParseEvent]) -> list[ParseEvent]:
    """*events* with adjacent deltas of one kind made one."""
    joined: list[ParseEvent] = []
    for event in events:
        match joined[-1] if joined else None, event:
            case TextDelta(text=first), TextDelta(text=second):
                joined[-1] = TextDelta(first + second)
            case ReasoningDelta(text=first), ReasoningDelta(text=second):
                joined[-1] = ReasoningDelta(first + second)
            case CallDelta(index=n, arguments=first), CallDelta(index=m, arguments=second) if (
                n == m
            ):
                joined[-1] = CallDelta(n, first + second)
            case _:
                joined.append(event)
    return joined
