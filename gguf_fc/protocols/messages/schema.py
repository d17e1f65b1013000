"""Field tables of the Messages protocol: bodies as types, and the fate of every other field.

The policy is ``fields.py``'s.  This module knows the wire, not what is done with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from gguf_fc.dialect.openai_json.types import ToolName
from gguf_fc.protocols.field_types import (
    ModelName,
    StopString,
    Temperature,
    TokenCount,
    TopK,
    TopP,
)
from gguf_fc.protocols.fields import Fields, Refused
from gguf_fc.protocols.messages.as_sent import regular_system, regular_turns
from gguf_fc.protocols.messages.blocks import Blocks, TextBlock
from gguf_fc.protocols.shared_rows import CACHE, NOTHING_KEPT, ONE_ANSWER
from gguf_fc.typed_json import about

Display = Annotated[
    Literal["summarized", "omitted"] | None,
    about("`omitted`: reasoning is sent in the signature of its block only"),
]
OneCall = Annotated[bool | None, about("`true`: one call at most")]


class MessageTurn(Struct):
    """A turn of the conversation."""

    role: Annotated[Literal["user", "assistant", "system"], about("whose turn it is")]
    content: Annotated[str | Blocks, about("text, calls and results")]


class OfferedTool(Struct):
    """An entry of ``tools``: a function of the client's, or by its type one of another server's."""

    type: Annotated[
        str | None, about("`custom`, or none; a tool of any other type is passed over")
    ] = None
    name: Annotated[ToolName | None, about("what it is called by; required")] = None
    description: Annotated[str | None, about("what the model is told of it")] = None
    input_schema: Annotated[
        dict[str, Any] | bool | None, about("JSON Schema of its arguments; required")
    ] = None
    strict: Annotated[bool | None, about("refuse a schema that no grammar can hold in full")] = None


class ToolChoiceAuto(Struct, tag="auto"):
    """Call, or do not."""

    disable_parallel_tool_use: OneCall = None


class ToolChoiceAny(Struct, tag="any"):
    """Call one of the tools, at least."""

    disable_parallel_tool_use: OneCall = None


class ToolChoiceTool(Struct, tag="tool"):
    """Call this tool."""

    name: Annotated[str, about("which one")]
    disable_parallel_tool_use: OneCall = None


class ToolChoiceNone(Struct, tag="none"):
    """Do not call."""


class ThinkingEnabled(Struct, tag="enabled"):
    """Reason, for at most so many tokens."""

    budget_tokens: Annotated[TokenCount, about("most tokens of reasoning")]
    display: Display = None


class ThinkingAdaptive(Struct, tag="adaptive"):
    """Reason as the model sees fit."""

    display: Display = None


class ThinkingBetweenTools(Struct, tag="between_tools"):
    """Reason as the model sees fit."""


class ThinkingDisabled(Struct, tag="disabled"):
    """Do not reason."""


class JsonFormat(Struct):
    """The form asked of an answer."""

    schema: Annotated[dict[str, Any] | bool, about("JSON Schema of the answer")]
    type: Annotated[Literal["json_schema"], about("the only kind")] = "json_schema"


class OutputConfig(Struct):
    """Effort and form of the reply."""

    effort: Annotated[
        Literal["low", "medium", "high", "xhigh", "max"] | None, about("how much reasoning")
    ] = None
    format: Annotated[JsonFormat | None, about("the form of an answer that is not a call")] = None


class PromptBody(Struct, kw_only=True):
    """Every field that says what the model reads."""

    messages: Annotated[
        list[MessageTurn],
        Meta(min_length=1, max_length=10_000, description="the conversation so far"),
    ]
    model: ModelName = None
    system: Annotated[str | list[TextBlock] | None, about("instructions for the model")] = None
    tools: Annotated[
        Annotated[list[OfferedTool], Meta(max_length=1000)] | None,
        about("functions the model may call; tools that a server runs itself are passed over"),
    ] = None
    tool_choice: Annotated[
        ToolChoiceAuto | ToolChoiceAny | ToolChoiceTool | ToolChoiceNone | None,
        about("`auto`, `any`, `tool` or `none`; held by a grammar"),
    ] = None
    thinking: Annotated[
        ThinkingEnabled | ThinkingAdaptive | ThinkingBetweenTools | ThinkingDisabled | None,
        about("switch reasoning on or off where the template can, and limit it"),
    ] = None
    output_config: Annotated[
        OutputConfig | None, about("how much reasoning, and the form of an answer")
    ] = None
    output_format: Annotated[JsonFormat | None, about("as `output_config.format`")] = None


class MessagesBody(PromptBody, kw_only=True):
    """Every field that is honoured."""

    max_tokens: Annotated[TokenCount, about("most tokens of a reply, reasoning included")]
    stop_sequences: Annotated[
        Annotated[list[StopString], Meta(max_length=128)] | None,
        about("texts that end the reply, looked for in everything the model writes"),
    ] = None
    temperature: Temperature = None
    top_p: TopP = None
    top_k: TopK = None
    stream: Annotated[bool | None, about("send the reply as server-sent events")] = None


NOTHING_CUT = "nothing is taken out of a conversation; one that is too long is refused"

_WITHOUT_EFFECT = {
    "betas": ONE_ANSWER,
    "billing_policy": NOTHING_KEPT,
    "cache_control": CACHE,
    "compaction": NOTHING_CUT,
    "context_management": NOTHING_CUT,
    "diagnostics": "`POST /v1/explain` says what the prefix cache does",
    "fallback_credit_token": ONE_ANSWER,
    "fallbacks": ONE_ANSWER,
    "inference_geo": NOTHING_KEPT,
    "mcp_servers": "no other server is called; offer its tools in `tools`",
    "metadata": NOTHING_KEPT,
    "service_tier": ONE_ANSWER,
    "speed": ONE_ANSWER,
    "user_profile_id": NOTHING_KEPT,
    "workspace_id": NOTHING_KEPT,
}
_REFUSED = {
    "container": Refused("offer a tool that runs code in 'tools'"),
    "thread": Refused("send the whole conversation in 'messages'"),
}

_HISTORIES = {"messages": regular_turns, "system": regular_system}

MESSAGES = Fields(
    MessagesBody, without_effect=_WITHOUT_EFFECT, refused=_REFUSED, histories=_HISTORIES
)

_OF_THE_REPLY = MESSAGES.honoured - frozenset(PromptBody.__struct_fields__)
COUNT_TOKENS = Fields(
    PromptBody,
    without_effect=_WITHOUT_EFFECT | dict.fromkeys(sorted(_OF_THE_REPLY), "nothing is generated"),
    refused=_REFUSED,
    histories=_HISTORIES,
)
