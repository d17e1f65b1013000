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
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def tools_of(given: Tools) -> tuple[Tool, ...]:
    """Tools, from either form."""
    return tuple(
        item if isinstance(item, Tool) else _tool(_mapping(item, f"tools[{n}]"), n)
        for n, item in enumerate(given or ())
    )


def messages_of(given: Messages) -> tuple[Message, ...]:
    """Messages, from either form."""
    return tuple(
        item if isinstance(item, Message) else _message(_mapping(item, f"messages[{n}]"), n)
        for n, item in enumerate(given)
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
    place = f"messages[{n}]"
    role = item.get("role")
    if role not in _ROLES:
        raise InvalidParameter(f"Use one of the roles {', '.join(_ROLES)}.", param=f"{place}.role")
    content = _text(item.get("content"), f"{place}.content")
    return Message(
        role="tool" if role == "function" else role,
        content=content or _string(item, "refusal", place) or content,
        reasoning_content=_string(item, "reasoning_content", place)
        or _string(item, "reasoning", place),
        tool_calls=_calls(item, place),
        tool_call_id=_string(item, "tool_call_id", place),
        name=_string(item, "name", place),
    )


def _mapping(item: object, place: str) -> Json:
    if isinstance(item, Mapping):
        return item
    raise InvalidParameter("Use an object.", param=place)


def _string(item: Json, name: str, place: str) -> str | None:
    found = item.get(name)
    if found is None or isinstance(found, str):
        return found
    raise InvalidParameter("Use a string.", param=f"{place}.{name}")


def _text(content: object, place: str) -> str | None:
    """Text parts become lines of one text."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list | tuple):
        texts = [_part(part) for part in content]
        known = [text for text in texts if text is not None]
        if len(known) == len(texts):
            return "\n".join(known)
    raise InvalidParameter("Use a string or a list of text parts.", param=place)


def _part(part: object) -> str | None:
    """The text of a part, or of one that says why there is none."""
    if isinstance(part, str):
        return part
    found = (part.get("text") or part.get("refusal", "")) if isinstance(part, Mapping) else None
    known = isinstance(part, Mapping) and ("text" in part or "refusal" in part)
    return found if known and isinstance(found, str) else None


def _calls(item: Json, place: str) -> tuple[ToolCall, ...]:
    given = item.get("tool_calls") or ()
    if not isinstance(given, list | tuple):
        raise InvalidParameter("Use a list of calls.", param=f"{place}.tool_calls")
    calls = [_call(call, f"{place}.tool_calls[{m}]") for m, call in enumerate(given)]
    if item.get("function_call") is not None:  # what calls were before there were several
        calls.append(_call(item["function_call"], f"{place}.function_call"))
    return tuple(calls)


def _call(item: Any, place: str) -> ToolCall:
    function = item.get("function", item) if isinstance(item, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise InvalidParameter("A call needs a 'function' with a 'name'.", param=place)
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else _dumped(arguments or {}, place)
    return ToolCall(_string(item, "id", place), function["name"], text)


def _dumped(arguments: object, place: str) -> str:
    try:
        return json.dumps(arguments, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidParameter(f"The arguments are not JSON: {error}.", param=place) from error
