"""Messages, tools and choices as clients write them, as the package's own types.

The public functions of a dialect take OpenAI's JSON as well as the types of ``request``; this is
the one place that knows both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Format, Message, Tool, ToolCall, ToolChoice

Json = Mapping[str, Any]
Tools = Iterable[Tool | Json] | None
Messages = Iterable[Message | Json]
_ROLES = ("system", "developer", "user", "assistant", "tool")


def tools_of(given: Tools) -> tuple[Tool, ...]:
    """Tools, from either form."""
    return tuple(
        item if isinstance(item, Tool) else _tool(item, n) for n, item in enumerate(given or ())
    )


def messages_of(given: Messages) -> tuple[Message, ...]:
    """Messages, from either form."""
    return tuple(
        item if isinstance(item, Message) else _message(item, n) for n, item in enumerate(given)
    )


def choice_of(given: ToolChoice | Json | str | None) -> ToolChoice:
    """A tool choice, from either form."""
    match given:
        case None:
            return ToolChoice()
        case ToolChoice():
            return given
        case "none" | "auto" | "required":
            return ToolChoice(given)
        case {"function": {"name": str(name)}}:
            return ToolChoice("named", name)
        case {"allowed_tools": {"mode": "auto" | "required" as mode, "tools": [_, *_] as tools}}:
            return ToolChoice(mode, allowed=tuple(tool.name for tool in tools_of(tools)))
        case _:
            raise InvalidParameter(
                "Use 'none', 'auto', 'required', "
                "{'type': 'function', 'function': {'name': ...}} or "
                "{'type': 'allowed_tools', 'allowed_tools': {'mode': ..., 'tools': [...]}}.",
                param="tool_choice",
            )


def format_of(given: Format | Json | None) -> Format:
    """A response format, from either form."""
    match given:
        case None | {"type": "text"}:
            return Format()
        case Format():
            return given
        case {"type": "json_object"}:
            return Format(type="json_object")
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            named: Json = given["json_schema"]
            return Format(
                type="json_schema",
                schema=schema,
                name=named.get("name"),
                strict=bool(named.get("strict")),
            )
        case _:
            raise InvalidParameter(
                "Use {'type': 'text'}, {'type': 'json_object'} or "
                "{'type': 'json_schema', 'json_schema': {'name': ..., 'schema': {...}}}.",
                param="response_format",
            )


def _tool(item: Json, n: int) -> Tool:
    function = item.get("function", item)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidParameter("A tool needs a 'function' with a 'name'.", param=f"tools[{n}]")
    return Tool(
        name=function["name"],
        description=function.get("description"),
        parameters=function.get("parameters"),
        strict=bool(function.get("strict")),
    )


def _message(item: Json, n: int) -> Message:
    role = item.get("role")
    if role not in _ROLES:
        raise InvalidParameter(
            f"Use one of the roles {', '.join(_ROLES)}.", param=f"messages[{n}].role"
        )
    return Message(
        role=role,
        content=_text(item.get("content"), f"messages[{n}].content"),
        reasoning_content=item.get("reasoning_content"),
        tool_calls=tuple(
            _call(call, f"messages[{n}].tool_calls[{m}]")
            for m, call in enumerate(item.get("tool_calls") or ())
        ),
        tool_call_id=item.get("tool_call_id"),
        name=item.get("name"),
    )


def _text(content: object, place: str) -> str | None:
    """Text parts become lines of one text."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, Mapping) else None for part in content]
        known = [text for text in texts if isinstance(text, str)]
        if len(known) == len(texts):
            return "\n".join(known)
    raise InvalidParameter("Use a string or a list of text parts.", param=place)


def _call(item: Json, place: str) -> ToolCall:
    function = item.get("function", item)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidParameter("A call needs a 'function' with a 'name'.", param=place)
    arguments = function.get("arguments", "")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(item.get("id"), function["name"], text)
