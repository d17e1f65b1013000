"""Requests of clients, independent of the protocol they came in.

A protocol translates its JSON into a ``Request``; ``dialect`` reads the messages and tools,
``generation`` turns the whole into a ``Job``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gguf_fc.job import Sampling

Role = Literal["system", "developer", "user", "assistant", "tool"]
Schema = dict[str, Any] | bool


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A past call in a conversation.  *arguments* is JSON text."""

    id: str | None
    name: str
    arguments: str
    # Path of arguments that could not be read as they were sent; None: they could.
    unread_at: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None  # role "tool" only
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the model may call.  *parameters* is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: Schema | None = None  # None: takes no arguments
    strict: bool = False
    # Path of *parameters* in the request; None: as in chat completions.
    schema_at: str | None = field(default=None, compare=False)

    def parameters_at(self, n: int) -> str:
        """Path of the parameters in a request whose *n*-th tool this is."""
        return self.schema_at or f"tools[{n}].function.parameters"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Choice among the tools.  *name* is set exactly when *mode* is ``named``."""

    mode: Literal["none", "auto", "required", "named"] = "auto"
    name: str | None = None
    allowed: tuple[str, ...] = ()  # only these tools may be called; empty: all

    def permits(self, name: str) -> bool:
        """True if the tool of that name may be called."""
        match self.mode:
            case "none":
                return False
            case "named":
                return name == self.name
            case "auto" | "required":
                return not self.allowed or name in self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Form of an answer that is not a call."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Schema | None = None
    name: str | None = None
    description: str | None = None
    strict: bool = False
    # Path of *schema* in the request.
    schema_at: str = field(default="response_format.json_schema.schema", compare=False)

    @property
    def asked_at(self) -> str:
        """Path of the field that asks for the form."""
        return self.schema_at.removesuffix(".schema").removesuffix(".json_schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGrammar:
    """A client's own grammar over all that the model writes.

    *source* is GBNF, a regular expression, or the texts of which one is to be written; *param* is
    its path in the request.
    """

    kind: Literal["gbnf", "regex", "texts"] = "gbnf"
    source: str | tuple[str, ...]
    param: str = field(default="grammar", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation, as it was asked for."""

    model: str | None
    messages: tuple[Message, ...]
    messages_at: str = "messages"  # their path in the request
    leave_out_oldest: bool = False  # turns, where the conversation exceeds the context
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    parallel_tool_calls: bool | None = None  # None: not sent; several, if the format is native
    format: Format = field(default_factory=Format)
    grammar: OwnGrammar | None = None  # over the whole reply, instead of tools and a format
    verbosity: Literal["low", "medium", "high"] | None = None  # of the answer, not the reasoning
    max_tokens: int | None = None
    min_tokens: int = 0  # before the model may end its reply
    n_ctx: int | None = None  # context length the client counts on
    sampling: Sampling = field(default_factory=Sampling)
    thinking: bool | None = None  # None: as the template has it
    effort: str | None = None  # how much reasoning, in the template's words
    thinking_budget: int | None = None  # token budget of the reasoning; 0: none, None: no limit
    separate_reasoning: bool = True  # if not, reasoning is part of the content, between its marks
    template_variables: Mapping[str, Any] = field(default_factory=dict)  # by the template's names
    stop: tuple[str, ...] = ()
    prediction: str | None = None  # predicted output, a source of drafts
    logprobs: int | None = None  # of each token and of so many likely ones; None: not wanted
    stream: bool = False
    include_usage: bool = False

    @property
    def shown_tools(self) -> tuple[Tool, ...]:
        """Tools that the prompt shows."""
        return () if self.tool_choice.mode == "none" else self.tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One text, or the *tokens* in its place; *param* is its path in the request."""

    param: str
    text: str = ""
    tokens: tuple[int, ...] = ()


DEFAULT_MAX_TOKENS = 16  # as OpenAI's API has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A schema that constrains a completion; *param* is its path in the request."""

    schema: Schema
    param: str
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """One text to continue.

    With *suffix* the model fills the gap before it (infill); *scored* asks for the tokens'
    logprobs even where the client does not.
    """

    model: str | None
    prompt: Given
    suffix: str | None = None
    echo: bool = False
    max_tokens: int | None = DEFAULT_MAX_TOKENS  # None: no limit
    min_tokens: int = 0  # before the model may end its reply
    sampling: Sampling
    stop: tuple[str, ...] = ()
    grammar: OwnGrammar | None = None
    form: Form | None = None
    logprobs: int | None = None
    scored: bool = False
