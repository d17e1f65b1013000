"""Forms of the generic format that are tried, each beside the one that is shipped.

A candidate differs in one or two things: how a call is written, how tools are described, which
examples there are, and where all of it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.dialect.prompt.generic import GENERIC, GenericFormat
from gguf_fc.dialect.prompt.values import tool_values
from gguf_fc.dialect.syntax import Marked, Placeholder, Syntax
from gguf_fc.request import Tool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format, and whether its words stand in the system message or in the user's first."""

    name: str
    format: GenericFormat
    in_system: bool = True


def _signatures(tools: Sequence[Tool]) -> str:
    """A line for each tool, with the names and the types of its parameters."""
    return "\n".join(_signature(value["function"]) for value in tool_values(tools))


def _signature(function: dict[str, Any]) -> str:
    schema = function["parameters"]
    required = schema.get("required", [])
    takes = "; ".join(
        f'"{name}"{"" if name in required else " (optional)"}: {_kind(member)}'
        for name, member in schema.get("properties", {}).items()
    )
    return f"- {function['name']}: {function['description']}. Arguments: {takes or 'none'}"


def _kind(schema: dict[str, Any]) -> str:
    return " | ".join(f'"{value}"' for value in schema.get("enum", ())) or str(schema["type"])


_NAME, _ARGUMENTS = Placeholder("name"), Placeholder("arguments")
_REACT = Syntax(call=("Tool: ", _NAME, "\nInput: ", _ARGUMENTS), gap="\n")
# The first word decides: a tool, or an answer.
_CHOICE = replace(_REACT, content=Marked("Answer: ", ""))
_BARE = Syntax(call=('{"name": "', _NAME, '", "arguments": ', _ARGUMENTS, "}"), gap="\n")
_BEFORE = """\
You may call functions. These are the functions, one a line, as JSON:
{tools}

To call a function, write exactly this, with the function's name and its arguments as JSON:
{call}
To call several functions, write several such blocks, one after another. Their results come in the
next message. Call a function only if it helps; otherwise answer in plain text."""
_EITHER = """\
You can use these tools:
{tools}

If a tool helps, reply with
{call}
If no tool is needed, reply with
Answer: your answer"""


def _with(syntax: Syntax = GENERIC.syntax, **changes: Any) -> GenericFormat:
    return replace(GENERIC, syntax=syntax, **changes)


_HELLO, _JAZZ, _PIANO, _TRAIN = GENERIC.examples
_LABEL = "Examples, with other functions:"
CANDIDATES = {
    candidate.name: candidate
    for candidate in (
        Candidate("shipped", GENERIC),
        Candidate("as before", _with(instruction=_BEFORE, several="", examples=())),
        Candidate("no examples", _with(examples=())),
        Candidate("an answer is the last example", _with(examples=(_JAZZ, _HELLO, _TRAIN, _PIANO))),
        Candidate("examples in the instruction", _with(introduces=_LABEL, in_turns=False)),
        Candidate("signatures", _with(describe=_signatures)),
        Candidate("in the user's message", GENERIC, in_system=False),
        Candidate("bare JSON", _with(_BARE)),
        Candidate("Tool, Input", _with(_REACT)),
        Candidate("Tool or Answer", _with(_CHOICE, instruction=_EITHER)),
    )
}
