"""What a client asked for, independent of the protocol it asked in.

An API module translates its JSON into a ``Request``; ``dialect`` reads the messages and tools,
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
    """A call as it stands in a conversation.  *arguments* is JSON text."""

    id: str | None
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn."""

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
    # Where the client has *parameters*; None: as in chat completions.
    schema_at: str | None = field(default=None, compare=False)

    def parameters_at(self, n: int) -> str:
        """Where the parameters stand in the request of a client whose *n*-th tool this is."""
        return self.schema_at or f"tools[{n}].function.parameters"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether and what to call.  *name* is set exactly when *mode* is ``named``."""

    mode: Literal["none", "auto", "required", "named"] = "auto"
    name: str | None = None
    allowed: tuple[str, ...] = ()  # only these tools may be called; empty: all

    def permits(self, name: str) -> bool:
        """Whether the tool of that name may be called."""
        match self.mode:
            case "none":
                return False
            case "named":
                return name == self.name
            case "auto" | "required":
                return not self.allowed or name in self.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The form of an answer that is not a call."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Schema | None = None
    name: str | None = None
    description: str | None = None
    strict: bool = False
    # Where the client has *schema*.
    schema_at: str = field(default="response_format.json_schema.schema", compare=False)

    @property
    def asked_at(self) -> str:
        """The client's field that asks for the form."""
        return self.schema_at.removesuffix(".schema").removesuffix(".json_schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Everything one generation needs to know about what was asked."""

    model: str | None
    messages: tuple[Message, ...]
    messages_at: str = "messages"  # where the client has them
    leave_out_oldest: bool = False  # turns, where the conversation is too long
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    parallel_tool_calls: bool = True
    format: Format = field(default_factory=Format)
    grammar: str | None = None  # GBNF for the whole reply, instead of tools and a format
    verbosity: Literal["low", "medium", "high"] | None = None  # of the answer, not the reasoning
    max_tokens: int | None = None
    n_ctx: int | None = None  # tokens of context the client counts on
    sampling: Sampling = field(default_factory=Sampling)
    thinking: bool | None = None  # None: as the template has it
    effort: str | None = None  # how much of it
    thinking_budget: int | None = None  # at most so many tokens of it; 0: none. None: no limit
    separate_reasoning: bool = True  # if not, it is part of the content, between its marks
    template_variables: Mapping[str, Any] = field(default_factory=dict)  # by the template's names
    stop: tuple[str, ...] = ()
    prediction: str | None = None  # text much of which the reply may repeat
    logprobs: int | None = None  # score each token, beside so many likely ones; None: not wanted
    stream: bool = False
    include_usage: bool = False

    @property
    def shown_tools(self) -> tuple[Tool, ...]:
        """The tools the model is told of."""
        return () if self.tool_choice.mode == "none" else self.tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One text; *tokens*, if there are any, stand in its place.  *param* is where it was given."""

    param: str
    text: str = ""
    tokens: tuple[int, ...] = ()


DEFAULT_MAX_TOKENS = 16  # as OpenAI's API has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A schema that the completion is held to, and where it was given."""

    schema: Schema
    param: str
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """One text to go on with.

    With *suffix* the model fills the gap before it; *scored* asks for the tokens' logprobs even
    where the client does not.
    """

    model: str | None
    prompt: Given
    suffix: str | None = None
    echo: bool = False
    max_tokens: int | None = DEFAULT_MAX_TOKENS  # None: no limit
    sampling: Sampling
    stop: tuple[str, ...] = ()
    grammar: str | None = None
    form: Form | None = None
    logprobs: int | None = None
    scored: bool = False
