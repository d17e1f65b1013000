"""The format for models whose template shows no way to call tools.

A syntax of our own, told to the model in its system message and held by the grammar.  History
becomes turns of text, which every template accepts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gguf_fc.dialect.prompt.needs import Told
from gguf_fc.dialect.prompt.repair import read_object
from gguf_fc.dialect.prompt.tools.hidden_parameters import ToolForms
from gguf_fc.dialect.prompt.typescript import typescript
from gguf_fc.dialect.prompt.values import tool_values
from gguf_fc.dialect.syntax import Marked, Placeholder, Syntax
from gguf_fc.dialect.write import Call, write
from gguf_fc.request import Message, Tool

# Rendered instead of a template that cannot be used at all.  No token ends a turn in it: a model
# that was trained on text alone takes what follows for another text, and only repeats it.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "### {{ message.role | capitalize }}:\n{{ message.content }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}### Assistant:\n{% endif %}"
)
_INSTRUCTION = """\
You may call functions. These are the functions, one a line, as JSON:
{tools}

To call a function, write exactly this, with the function's name and its arguments as JSON:
{example}
To call several functions, write several such blocks, one after another. Their results come in the
next message. Call a function only if it helps; otherwise answer in plain text."""


def generic_syntax(reasoning: Marked | None = None) -> Syntax:
    """Tagged JSON; *reasoning* is what could be derived of it all the same."""
    return Syntax(
        call=(
            '<tool_call>\n{"name": "',
            Placeholder("name"),
            '", "arguments": ',
            Placeholder("arguments"),
            "}\n</tool_call>",
        ),
        gap="\n",
        reasoning=reasoning,
    )


def with_tools(messages: Sequence[Message], tools: Sequence[Tool], syntax: Syntax) -> list[Message]:
    """The conversation with calls and results as text, and the tools described at its beginning."""
    written = [_as_text(message, syntax) for message in messages]
    if not tools:
        return written
    return [Message(role="system", content=_instruction(tools, syntax)), *written]


def told_tools(tools: Sequence[Tool], syntax: Syntax, told: Told) -> Message:
    """System message about the tools: as *told*, or as we tell of them."""
    if not told.text:
        return Message(role="system", content=_instruction(tools, syntax))

    def text(values: Sequence[dict[str, Any]]) -> str:
        functions = [value["function"] for value in values]
        found = told.text.replace("{tools}", json.dumps(functions, ensure_ascii=False, indent=4))
        found = found.replace("{tools_line}", json.dumps(functions, ensure_ascii=False))
        return found.replace("{typescript}", typescript(functions))

    return Message(role="system", content=text(ToolForms("").shown(tool_values(tools), text)))


def _instruction(tools: Sequence[Tool], syntax: Syntax) -> str:
    lines = [json.dumps(value["function"], ensure_ascii=False) for value in tool_values(tools)]
    example = write(syntax, calls=[Call("function_name", {"argument": "value"})])
    return _INSTRUCTION.format(tools="\n".join(lines), example=example)


def with_calls(messages: Sequence[Message], syntax: Syntax, result_text: str = "") -> list[Message]:
    """The conversation with calls as text; results stay as they are, or go on that text."""
    turns: list[Message] = []
    for message in messages:
        called = turns[-1] if turns and turns[-1].role == "assistant" else None
        if message.role == "tool" and result_text and called is not None:
            result = result_text.replace("{result}", message.content or "")
            turns[-1] = replace(called, content=f"{called.content}\n\n{result}")
        else:
            turns.append(_calls_as_text(message, syntax))
    return turns


def call_texts(messages: Sequence[Message], syntax: Syntax) -> tuple[str, ...]:
    """Texts of the turns that hold calls alone."""
    calling = (message for message in messages if message.tool_calls and not message.content)
    return tuple(_calls_as_text(message, syntax).content or "" for message in calling)


def _as_text(message: Message, syntax: Syntax) -> Message:
    if message.role == "tool":
        name = f' name="{message.name}"' if message.name else ""
        content = f"<tool_response{name}>\n{message.content or ''}\n</tool_response>"
        return Message(role="user", content=content)
    return _calls_as_text(message, syntax)


def _calls_as_text(message: Message, syntax: Syntax) -> Message:
    if not message.tool_calls:
        return message
    calls = [Call(call.name, read_object(call.arguments)) for call in message.tool_calls]
    content = write(syntax, content=message.content or "", calls=calls)
    return replace(message, content=content, tool_calls=())
