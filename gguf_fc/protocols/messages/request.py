"""Body of a message to ``Request``: the rules that types alone cannot express.

Knows which combinations of fields make sense; knows nothing of templates, grammars or engines.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gguf_fc.dialect.openai_json.messages import unread_arguments
from gguf_fc.dialect.openai_json.tool_choice import known_name
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.messages.blocks import TextBlock
from gguf_fc.protocols.messages.schema import (
    MESSAGES,
    MessagesBody,
    OfferedTool,
    PromptBody,
    ThinkingAdaptive,
    ThinkingDisabled,
    ThinkingEnabled,
    ToolChoiceAny,
    ToolChoiceAuto,
    ToolChoiceNone,
    ToolChoiceTool,
)
from gguf_fc.protocols.messages.turns import read_turns
from gguf_fc.protocols.protocol import Asked
from gguf_fc.protocols.sampling import sampling_of
from gguf_fc.request import Format, Message, Request, Tool, ToolChoice

# Some clients put a header of their transport before the instructions, different each time; it
# is no instruction, and would keep the prefix cache from ever finding anything.
_TRANSPORT_HEADER = re.compile(r"x-[a-z0-9-]+:[^\n]*\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """Facts about the request that its reply depends on."""

    max_tokens: int | None = None
    omits_thinking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesAsked(Asked[Request]):
    """One request, and what its reply has to know of it."""

    manner: Manner = field(default_factory=Manner)


def read_message(body: bytes, pool: Pool) -> MessagesAsked:
    """Request of *body*; *pool* has the sampling defaults.  Raises RequestError."""
    fields, ignored = MESSAGES.parse(body)
    request, passed_over = to_request(fields, pool.sampling(fields.model))
    return MessagesAsked(
        requests=(request,),
        stream=request.stream,
        ignored=(*ignored, *passed_over),
        manner=Manner(max_tokens=fields.max_tokens, omits_thinking=omits_thinking(fields)),
    )


def to_prompt(body: PromptBody, defaults: Sampling) -> tuple[Request, tuple[str, ...]]:
    """Request with the prompt of *body*, and the paths of what was passed over."""
    system, unread = _system(body.system or "")
    messages = (*system, *read_turns(body.messages))
    tools, foreign = _tools(body.tools or [])
    choice = body.tool_choice or ToolChoiceAuto()
    request = Request(
        model=body.model,
        messages=messages,
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        parallel_tool_calls=_parallel(choice),
        format=_format(body),
        sampling=defaults,
        thinking=_thinking(body),
        effort=body.output_config.effort if body.output_config else None,
        thinking_budget=(
            body.thinking.budget_tokens if isinstance(body.thinking, ThinkingEnabled) else None
        ),
    )
    return request, (*unread, *foreign, *unread_arguments(request.messages))


def to_request(body: MessagesBody, defaults: Sampling) -> tuple[Request, tuple[str, ...]]:
    """Request of *body*, as ``to_prompt`` with the fields that govern the reply."""
    prompt, ignored = to_prompt(body, sampling_of(body, defaults))
    request = dataclasses.replace(
        prompt,
        max_tokens=body.max_tokens,
        stop=tuple(body.stop_sequences or ()),
        stream=bool(body.stream),
    )
    return request, ignored


def _parallel(
    choice: ToolChoiceAuto | ToolChoiceAny | ToolChoiceTool | ToolChoiceNone,
) -> bool | None:
    """Permission of several calls; None if the client does not say."""
    if isinstance(choice, ToolChoiceNone) or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


def omits_thinking(body: PromptBody) -> bool:
    """True if the client wants reasoning carried in signatures, not shown."""
    match body.thinking:
        case ThinkingEnabled(display=display) | ThinkingAdaptive(display=display):
            return display == "omitted"
        case _:
            return False


def _system(system: str | Sequence[TextBlock]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    texts, unread = [], []
    for i, text in enumerate([system] if isinstance(system, str) else [b.text for b in system]):
        if _TRANSPORT_HEADER.fullmatch(text):
            unread.append(f"system[{i}]")
        elif text:
            texts.append(text)
    messages = (Message(role="system", content="\n".join(texts)),) if texts else ()
    return messages, tuple(unread)


def _tools(tools: Sequence[OfferedTool]) -> tuple[tuple[Tool, ...], tuple[str, ...]]:
    """The client's own tools, and the names of others' (R15.2)."""
    own, foreign = [], []
    for i, tool in enumerate(tools):
        if tool.type in (None, "custom"):
            own.append(_declared(tool, f"tools[{i}]"))
        else:
            foreign.append(f"tools[{i}] of type {tool.type}")
    return checked_tools(own), tuple(foreign)


def _declared(tool: OfferedTool, where: str) -> Declared:
    if tool.name is None:
        raise InvalidParameter(f"'{where}.name' is required.", param=f"{where}.name")
    if tool.input_schema is None:
        raise InvalidParameter(
            f"'{where}.input_schema' is required.", param=f"{where}.input_schema"
        )
    return Declared(
        tool=Tool(
            name=tool.name,
            description=tool.description,
            parameters=tool.input_schema,
            strict=bool(tool.strict),
        ),
        name_at=f"{where}.name",
        schema_at=f"{where}.input_schema",
    )


def _tool_choice(body: PromptBody, tools: tuple[Tool, ...]) -> ToolChoice:
    match body.tool_choice:
        case ToolChoiceNone():
            return ToolChoice("none")
        case ToolChoiceAny() | ToolChoiceTool() if not tools:
            raise InvalidParameter(
                "'tool_choice' asks for a call but 'tools' has no tool that can be called here.",
                param="tool_choice",
            )
        case ToolChoiceAny():
            return ToolChoice("required")
        case ToolChoiceTool(name=name):
            return ToolChoice("named", known_name(name, tools, "tool_choice.name"))
        case ToolChoiceAuto() | None:
            return ToolChoice("auto" if tools else "none")


def _format(body: PromptBody) -> Format:
    newer = body.output_config.format if body.output_config else None
    older = body.output_format
    if newer is not None and older is not None and newer != older:
        raise InvalidParameter(
            "'output_format' and 'output_config.format' differ; send one of them.",
            param="output_format",
        )
    asked = newer or older
    if asked is None:
        return Format()
    place = "output_config.format.schema" if newer is not None else "output_format.schema"
    return Format(type="json_schema", schema=asked.schema, schema_at=place)


def _thinking(body: PromptBody) -> bool | None:
    """Reasoning on or off; None leaves it to the template."""
    if isinstance(body.thinking, ThinkingEnabled):
        return True
    return False if isinstance(body.thinking, ThinkingDisabled) else None
