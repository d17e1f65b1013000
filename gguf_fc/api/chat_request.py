"""From the body of a chat completion to a ``Request``: what the types alone cannot say.

Knows which combinations of fields make sense; knows nothing of templates, grammars or engines.
"""

from __future__ import annotations

from typing import Any

from gguf_fc.api.sampling import sampling_of
from gguf_fc.api.schema import ChatBody, ChatMessage, ContentPart, FunctionTool
from gguf_fc.api.tools import Declared, arguments_text, checked_tools, tool_choice_of
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.job import Sampling
from gguf_fc.request import Format, Message, Request, Tool, ToolCall

# What a template is told by the server.
OWN_VARIABLES = frozenset(
    {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "self"}
)


def to_request(body: ChatBody, defaults: Sampling) -> Request:
    """Translate *body*; sampling fields it leaves out come from *defaults*."""
    tools = _tools(body.tools or [])
    stream = bool(body.stream)
    if body.stream_options is not None and not stream:
        raise InvalidParameter(
            "'stream_options' is only allowed when 'stream' is true.", param="stream_options"
        )
    return Request(
        model=body.model,
        messages=tuple(_message(message, n) for n, message in enumerate(body.messages)),
        tools=tools,
        tool_choice=tool_choice_of(body.tool_choice, tools),
        parallel_tool_calls=body.parallel_tool_calls is not False,
        format=_format(body),
        grammar=_grammar(body),
        max_tokens=_max_tokens(body),
        sampling=sampling_of(body, defaults),
        thinking=_thinking(body),
        effort=None if body.reasoning_effort == "none" else body.reasoning_effort,
        template_variables=_template_variables(body.chat_template_kwargs or {}),
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        stream=stream,
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )


def _message(message: ChatMessage, n: int) -> Message:
    where = f"messages[{n}]"
    if message.role == "tool" and message.content is None:
        raise InvalidParameter(
            f"'{where}.content' is required: it is the tool's result.", param=f"{where}.content"
        )
    if message.tool_calls and message.role != "assistant":
        raise InvalidParameter(
            f"'{where}.tool_calls' is only allowed for the role assistant.",
            param=f"{where}.tool_calls",
        )
    return Message(
        role=message.role,
        content=_text(message.content, f"{where}.content") or message.refusal,
        reasoning_content=message.reasoning_content,
        tool_calls=tuple(
            ToolCall(
                call.id,
                call.function.name,
                arguments_text(
                    call.function.arguments, f"{where}.tool_calls[{i}].function.arguments"
                ),
            )
            for i, call in enumerate(message.tool_calls or [])
        ),
        tool_call_id=message.tool_call_id,
        name=message.name,
    )


def _text(content: str | list[ContentPart] | None, param: str) -> str | None:
    """*content* as one string; parts that are not text are refused."""
    if content is None or isinstance(content, str):
        return content
    for i, part in enumerate(content):
        if part.type != "text":
            raise UnsupportedParameter(
                f"'{param}[{i}]' has type '{part.type}'; this server reads only text.",
                param=f"{param}[{i}].type",
            )
        if part.text is None:
            raise InvalidParameter(f"'{param}[{i}].text' is required.", param=f"{param}[{i}].text")
    return "\n".join(part.text or "" for part in content)


def _tools(tools: list[FunctionTool]) -> tuple[Tool, ...]:
    return checked_tools(
        Declared(
            tool=Tool(
                name=tool.function.name,
                description=tool.function.description,
                parameters=tool.function.parameters,
                strict=bool(tool.function.strict),
            ),
            name_at=f"tools[{i}].function.name",
            schema_at=f"tools[{i}].function.parameters",
        )
        for i, tool in enumerate(tools)
    )


def _format(body: ChatBody) -> Format:
    asked = body.response_format
    if asked is None:
        return Format()
    if asked.type != "json_schema":
        return Format(type=asked.type)
    if asked.json_schema is None or asked.json_schema.schema is None:
        raise InvalidParameter(
            "'response_format.json_schema.schema' is required for the type json_schema.",
            param="response_format.json_schema.schema",
        )
    return Format(
        type="json_schema",
        schema=asked.json_schema.schema,
        name=asked.json_schema.name,
        strict=bool(asked.json_schema.strict),
    )


def _thinking(body: ChatBody) -> bool | None:
    """Whether to think; the effort ``none`` says no."""
    if body.reasoning_effort != "none":
        return body.enable_thinking
    if body.enable_thinking:
        raise InvalidParameter(
            "'reasoning_effort' is \"none\" though 'enable_thinking' is true; send one of them.",
            param="reasoning_effort",
        )
    return False


def _template_variables(given: dict[str, Any]) -> dict[str, Any]:
    """*given*, unless it would replace what the server itself tells the template."""
    for name in given:
        if name in OWN_VARIABLES or not name.isidentifier():
            where = f"chat_template_kwargs.{name}"
            raise InvalidParameter(
                f"'{where}' cannot be set: it is not a variable of the template's own.", param=where
            )
    return given


def _grammar(body: ChatBody) -> str | None:
    """The client's own grammar, which can stand beside no other claim on the reply's form."""
    if body.grammar is None:
        return None
    others = {
        "tools": bool(body.tools),
        "response_format": body.response_format is not None and body.response_format.type != "text",
    }
    for other, is_given in others.items():
        if is_given:
            raise InvalidParameter(
                f"'grammar' and '{other}' cannot be combined; send one of them.", param="grammar"
            )
    return body.grammar


def _max_tokens(body: ChatBody) -> int | None:
    old, new = body.max_tokens, body.max_completion_tokens
    if old is not None and new is not None and old != new:
        raise InvalidParameter(
            "'max_tokens' and 'max_completion_tokens' differ; send one of them.",
            param="max_tokens",
        )
    return old if new is None else new
