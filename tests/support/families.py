"""The forms of calls that chat templates show, each as a template of our own and what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gguf_fc.dialect import Dialect, Parser
from gguf_fc.dialect.syntax import Pair, Placeholder
from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent, ReasoningDelta, TextDelta
from gguf_fc.grammar.values.notation import PYTHON

FOLDER = Path(__file__).parent.parent / "dialect" / "templates" / "families"
ELEMENT = Pair("<", ">", ("</", Placeholder("key"), ">"))

USER: dict[str, Any] = {"role": "user", "content": "How is Paris?"}
_PROPERTIES: dict[str, Any] = {
    "city": {"type": "string"},
    "code": {"type": "string"},
    "days": {"type": "integer"},
    "inner": {
        "type": "object",
        "properties": {"deep": {"type": "boolean"}, "text": {"type": "string"}},
    },
    "ratio": {"type": "number"},
    "sure": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
}


def function(name: str, parameters: Any) -> dict[str, Any]:
    """A tool as clients send it."""
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS: list[dict[str, Any]] = [
    function("get_weather", {"type": "object", "properties": _PROPERTIES, "required": ["city"]}),
    function("get", {"type": "object", "properties": {}}),
]
PARIS: dict[str, Any] = {"name": "get_weather", "arguments": {"city": "Paris", "days": 40}}
NOTHING: dict[str, Any] = {"name": "get", "arguments": {}}
EVERYTHING: dict[str, Any] = {
    "name": "get_weather",
    "arguments": {
        "city": """It's "x" = (y), [z] {w}: a\\b\n1 < 2 & `q`""",
        "code": "001",
        "days": 40,
        "inner": {"deep": False, "text": "k=1, j='2'"},
        "ratio": -0.5,
        "sure": True,
        "tags": ["a, b", "[c]", "40"],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How the calls of one form look.

    *written* is the call PARIS, *ending* the last text in it without which it is not complete.
    *syntax* are the fields that tell this form from others, *pairs* those of its pairs.
    """

    written: str
    ending: str
    lookalike: str  # text that is no call
    syntax: dict[str, Any] = field(default_factory=dict)
    pairs: dict[str, Any] = field(default_factory=dict)


FAMILIES = {
    "channels": Family(
        written=' to=get_weather<|message|>{"city": "Paris", "days": 40}',
        ending="}",
        lookalike="Write to=get and then",
        syntax={
            "call": (" to=", Placeholder("name"), "<|message|>", Placeholder("arguments")),
            "joint": "<|eom|><|start|>assistant",
            "separator": "<|eom|><|start|>assistant",
            "end": "<|eot|>",
            "parallel": True,
        },
    ),
    "counted_ids": Family(
        written=(
            "<|calls_begin|><|call_begin|>functions.get_weather:0<|arguments_begin|>"
            '{"city": "Paris", "days": 40}<|call_end|><|calls_end|>'
        ),
        ending="}",
        lookalike="Say <|call_begin|>functions.unknown:0 so",
        syntax={
            "id_parts": ("functions.", Placeholder("name"), ":", Placeholder("index")),
            "marker": "<|calls_begin|>",
            "end": "<|im_end|>",
        },
    ),
    "counted_objects": Family(
        written=(
            '<|ACTION|>[\n    {"tool_call_id": "0", "tool_name": "get_weather", '
            '"parameters": {"city": "Paris", "days": 40}}\n]<|/ACTION|>'
        ),
        ending="}",
        lookalike='<|ACTION|>[{"tool_call_id": "0", "tool_name": "unknown"}]',
        syntax={"id_parts": (Placeholder("index"),), "marker": "<|ACTION|>", "parallel": True},
    ),
    "fenced_python": Family(
        written="get_weather\n```python\ntool_call(city='Paris', days=40)\n```",
        ending=")",
        lookalike="get_weather is a tool:\n```python\nprint('x')\n```",
        syntax={"marker": "", "parallel": False},
        pairs={"quoted": True, "separator": ", ", "notation": PYTHON, "scalars": PYTHON},
    ),
    "guarded_text": Family(
        written=(
            '\n<function name="get_weather"><param name="city">Paris</param>'
            '<param name="days">40</param></function>'
        ),
        ending="</function>",
        lookalike='<function name="unknown">x',
        syntax={"marker": '<function name="', "parallel": True},
        pairs={
            "guarded": Pair('<param name="', '"><![CDATA[', ("]]></param>",)),
            "guards": "\n&<",
            "quoted": False,
        },
    ),
    "key_tags": Family(
        written=(
            "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
            "<parameter=days>\n40\n</parameter>\n</function>\n</tool_call>"
        ),
        ending="</function>",
        lookalike="<tool_call>\n<function=unknown>\n</function>",
        syntax={"announcements": ("<function=", "<tool_call>"), "separator": "\n"},
        pairs={"text": Pair("<parameter=", ">\n", ("\n</parameter>",)), "separator": "\n"},
    ),
    "key_value_tags": Family(
        written=(
            "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n"
            "<arg_key>days</arg_key>\n<arg_value>40</arg_value>\n</tool_call>"
        ),
        ending="</tool_call>",
        lookalike="<tool_call>unknown\n<arg_key>",
        syntax={"bare_call": ("<tool_call>", Placeholder("name"), "\n</tool_call>")},
        pairs={"text": Pair("<arg_key>", "</arg_key>\n<arg_value>", ("</arg_value>",))},
    ),
    "keywords": Family(
        written="<|calls|>[get_weather(city='Paris', days=40)]<|/calls|>",
        ending=")",
        lookalike="<|calls|>[unknown(1)]",
        syntax={"separator": ", ", "bare_call": (Placeholder("name"), "()"), "end": "<|end|>"},
        pairs={"quoted": True, "notation": PYTHON, "scalars": PYTHON},
    ),
    "lines": Family(
        written=(
            '<calls>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 40}}\n</calls>'
        ),
        ending="}",
        lookalike='<calls>\n{"name": "unknown"}\n</calls>',
        syntax={"marker": "<calls>", "pairs": None},
    ),
    "name_and_line": Family(
        written='get_weather\n{"city": "Paris", "days": 40}',
        ending="}",
        lookalike='get_weather is called like so:\n{"city": "Paris"}',
        syntax={"marker": "", "parallel": False, "pairs": None, "keys": None},
    ),
    "nested_elements": Family(
        written='<use name="get_weather"><city>Paris</city><days>40</days></use>',
        ending="</use>",
        lookalike='<use name="unknown"><city>',
        syntax={"bare_call": ('<use name="', Placeholder("name"), '"></use>')},
        pairs={"text": ELEMENT, "other": ELEMENT, "item": "item"},
    ),
    "quoted_arguments": Family(
        written=(
            '<call>{"name": "get_weather", '
            '"arguments": "{\\"city\\": \\"Paris\\", \\"days\\": 40}"}</call>'
        ),
        ending="}",
        lookalike='<call>{"name": "get", "arguments": "{oops"}</call>',
        syntax={"quoted": True, "marker": "<call>"},
    ),
    "sorted_bare_keys": Family(
        written='<|call>call:get_weather{city:<|"|>Paris<|"|>,days:40}<call|>',
        ending="}",
        lookalike="<|call>call:unknown{",
        syntax={"bare_call": ("<|call>call:", Placeholder("name"), "{}<call|>")},
        pairs={"ordered": True, "quoted": True, "separator": ","},
    ),
    "typed_attributes": Family(
        written=(
            '\n\n<calls>\n<invoke name="get_weather">\n'
            '<parameter name="city" string="true">Paris</parameter>\n'
            '<parameter name="days" string="false">40</parameter>\n</invoke>\n</calls>'
        ),
        ending="</invoke>",
        lookalike='<calls>\n<invoke name="unknown">',
        pairs={
            "text": Pair('<parameter name="', '" string="true">', ("</parameter>",)),
            "other": Pair('<parameter name="', '" string="false">', ("</parameter>",)),
        },
    ),
}


@cache
def family_dialect(name: str) -> Dialect:
    """The dialect of the family's template."""
    text = (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    return Dialect.from_template(text, bos_token="<s>")  # noqa: S106  not a password


@dataclass(slots=True)
class Heard:
    """What a stream of events said, with only the calls that ended."""

    content: str = ""
    reasoning: str = ""
    started: int = 0
    ended: int = 0
    calls: list[tuple[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def hear(parser: Parser, pieces: Iterable[str], *, whole: bool = True) -> Heard:
    """Feed *pieces* and fold the events; arguments are compared as JSON, so True is not 1.

    Not *whole*: something else than the model ended the turn.
    """
    heard, events = Heard(), list[ParseEvent]()
    for piece in pieces:
        events += parser.feed(piece)
    arguments = ""
    for event in [*events, *parser.finish(whole=whole)]:
        match event:
            case TextDelta(text=text):
                heard.content += text
            case ReasoningDelta(text=text):
                heard.reasoning += text
            case CallStart(id=id_, name=name):
                arguments = ""
                heard.started += 1
                heard.ids.append(id_)
                heard.calls.append((name, None))
            case CallDelta(arguments=text):
                arguments += text
            case CallEnd():
                heard.ended += 1
                heard.calls[-1] = (heard.calls[-1][0], canonical(json.loads(arguments)))
    heard.calls = [call for call in heard.calls if call[1] is not None]
    return heard


def canonical(value: Any) -> str:
    """*value* as JSON with sorted keys: what has the same JSON types has the same text."""
    return json.dumps(value, sort_keys=True)


def wanted(*calls: dict[str, Any]) -> list[tuple[str, str]]:
    """*calls* as ``hear`` gives them."""
    return [(call["name"], canonical(call["arguments"])) for call in calls]
