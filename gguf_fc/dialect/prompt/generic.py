"""The format for models whose template shows no way to call tools.

A syntax of our own, told to the model in its system message and held by the grammar.  History
becomes turns of text, which every template accepts.  Small models call next to nothing unless they
are shown how: examples follow the instruction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Example:
    """A question and the reply to it: a call, or an answer in words."""

    asks: str
    call: Call | None = None
    answers: str = ""


def as_json_lines(tools: Sequence[Tool]) -> str:
    """The functions as JSON, one a line: nothing of their schemas is left out."""
    return "\n".join(
        json.dumps(value["function"], ensure_ascii=False) for value in tool_values(tools)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericFormat:
    """Form of calls of our own, and the words that tell a model of it.

    In *instruction* ``{tools}`` stands for the tools and ``{call}`` for a call; *several* follows
    where a turn may have more than one.
    """

    syntax: Syntax
    instruction: str
    several: str = ""
    examples: tuple[Example, ...] = ()
    introduces: str = ""  # the examples
    in_turns: bool = True  # examples are turns before the conversation, or told with the tools
    describe: Callable[[Sequence[Tool]], str] = as_json_lines

    def with_tools(
        self, messages: Sequence[Message], tools: Sequence[Tool], syntax: Syntax, *, several: bool
    ) -> list[Message]:
        """The conversation with calls and results as text, and the tools told at its beginning."""
        written = [_as_text(message, syntax) for message in messages]
        if not tools:
            return written
        told = self.told(tools, syntax, several=several)
        shown = list(self._example_turns(tools, syntax))
        if shown:
            told = f"{told}\n\n{self.introduces}"
        if not self.in_turns:
            turns = (f"### {turn.role.title()}:\n{turn.content}" for turn in shown)
            told, shown = "\n\n".join([told, *turns]), []
        return [Message(role="system", content=told), *shown, *written]

    def told(self, tools: Sequence[Tool], syntax: Syntax, *, several: bool) -> str:
        """Tools, and how to call them."""
        call = write(syntax, calls=[Call("function_name", {"argument": "value"})])
        told = self.instruction.replace("{call}", call).replace("{tools}", self.describe(tools))
        return f"{told} {self.several}" if several and self.several else told

    def _example_turns(self, tools: Sequence[Tool], syntax: Syntax) -> Iterator[Message]:
        """Turns of the examples; not those that call what is one of the real *tools*."""
        names = {tool.name for tool in tools}
        for example in self.examples:
            if example.call is None or example.call.name not in names:
                calls = [example.call] if example.call else []
                said = write(syntax, content=example.answers, calls=calls)
                yield Message(role="user", content=example.asks)
                yield Message(role="assistant", content=said)


# Chosen by scripts/eval_generic.py among others.
GENERIC = GenericFormat(
    syntax=Syntax(
        call=(
            '<tool_call>\n{"name": "',
            Placeholder("name"),
            '", "arguments": ',
            Placeholder("arguments"),
            "}\n</tool_call>",
        ),
        gap="\n",
    ),
    instruction="""\
You can call these functions:
{tools}

If one of them can do what the user asks, reply only with a call of it:
{call}
Its result comes in the next message. Otherwise answer in plain text.""",
    several="Several calls may follow each other.",
    introduces="The first messages are only examples, with other functions.",
    examples=(
        Example("Hello!", answers="Hello! How can I help you?"),
        Example("Play some jazz.", Call("play_music", {"genre": "jazz"})),
        Example("What is a piano?", answers="A piano is a musical instrument."),
        Example("Is the train to Berlin late?", Call("train_status", {"destination": "Berlin"})),
    ),
)


def generic_syntax(reasoning: Marked | None = None) -> Syntax:
    """The syntax of our own format; *reasoning* is what could be derived of it all the same."""
    return replace(GENERIC.syntax, reasoning=reasoning)


def told_tools(tools: Sequence[Tool], syntax: Syntax, told: Told) -> Message:
    """System message about the tools: as *told*, or as we tell of them."""
    if not told.text:
        said = GENERIC.told(tools, syntax, several=syntax.parallel)
        return Message(role="system", content=said)

    def text(values: Sequence[dict[str, Any]]) -> str:
        functions = [value["function"] for value in values]
        found = told.text.replace("{tools}", json.dumps(functions, ensure_ascii=False, indent=4))
        found = found.replace("{tools_line}", json.dumps(functions, ensure_ascii=False))
        return found.replace("{typescript}", typescript(functions))

    return Message(role="system", content=text(ToolForms("").shown(tool_values(tools), text)))


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
