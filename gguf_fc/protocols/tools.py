"""The tools and calls of a request, whatever its protocol: what is refused about them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gguf_fc.dialect.prompt.repair import Unreadable, read_object
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Schema, Tool, ToolChoice

MODES = frozenset({"none", "auto", "required", "any"})  # words of ``tool_choice``


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A tool, and where a body has its name and its schema."""

    tool: Tool
    name_at: str
    schema_at: str


def checked_tools(declared: Iterable[Declared]) -> tuple[Tool, ...]:
    """The tools, each with its place.

    Raises InvalidParameter for two of one name, or one whose schema is no object's: arguments are
    always a JSON object, and a schema that forbids that can never be met.
    """
    tools: dict[str, Tool] = {}
    for one in declared:
        name = one.tool.name
        if name in tools:
            raise InvalidParameter(
                f"Two tools are called '{name}'; give each a name of its own.", param=one.name_at
            )
        if not _takes_object(one.tool.parameters):
            raise InvalidParameter(
                f"'{one.schema_at}' must describe a JSON object: its 'type' is \"object\".",
                param=one.schema_at,
            )
        tools[name] = dataclasses.replace(one.tool, schema_at=one.schema_at)
    return tuple(tools.values())


def arguments_text(arguments: str | dict[str, Any] | None, param: str) -> str:
    """*arguments* as the text of a JSON object, mended where they are not quite that."""
    try:
        found = arguments if isinstance(arguments, dict) else read_object(arguments or "")
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    except Unreadable as error:
        raise InvalidParameter(
            f"'{param}' is not the text of a JSON object; send what the server returned ({error}).",
            param=param,
        ) from error


def known_name(name: str, tools: Iterable[Tool], param: str, among: str = "tools") -> str:
    """*name*, which *param* says, if one of *tools*, which the body calls *among*, has it.

    Raises InvalidParameter.
    """
    if name not in {tool.name for tool in tools}:
        raise InvalidParameter(f"'{param}' is '{name}', which is not in '{among}'.", param=param)
    return name


def tool_choice_of(choice: str | dict[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice:
    """*choice* as OpenAI's protocols write it, with names nested or flat.

    Raises InvalidParameter, also where it asks for a call and there is no tool.
    """
    if not tools:
        if choice in (None, "none", "auto"):
            return ToolChoice("none")
        raise InvalidParameter(
            "'tool_choice' asks for a call but 'tools' is empty.", param="tool_choice"
        )
    if (one := _named(choice, tools)) is not None:
        return one
    match choice:
        case None | "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case "required" | "any":
            return ToolChoice("required")
        case {"type": "allowed_tools", "allowed_tools": dict(allowed)}:
            return _allowed_tools(allowed, tools, "tool_choice.allowed_tools")
        case {"type": "allowed_tools", "mode": mode, "tools": named}:
            return _allowed_tools({"mode": mode, "tools": named}, tools, "tool_choice")
        case _:
            raise InvalidParameter(
                '\'tool_choice\' must be "none", "auto", "required", '
                '{"type": "function", "function": {"name": ...}} or '
                '{"type": "allowed_tools", "allowed_tools": {"mode": ..., "tools": [...]}}.',
                param="tool_choice",
            )


def _named(choice: str | dict[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice | None:
    """The choice of one tool, if *choice* is one: an object, or only its name."""
    match choice:
        case {"function": {"name": str(name)}, **rest} if rest in ({}, {"type": "function"}):
            where = "tool_choice.function.name"
        case {"custom": {"name": str(name)}, **rest} if rest in ({}, {"type": "custom"}):
            where = "tool_choice.custom.name"
        case {"name": str(name), **rest} if rest.get("type", "function") in ("function", "custom"):
            where = "tool_choice.name"
        case str(name) if name in {tool.name for tool in tools} - MODES:
            where = "tool_choice"
        case _:
            return None
    return ToolChoice("named", known_name(name, tools, where))


def _allowed_tools(allowed: dict[str, Any], tools: tuple[Tool, ...], where: str) -> ToolChoice:
    mode, entries = allowed.get("mode"), allowed.get("tools")
    if mode not in ("auto", "required"):
        raise InvalidParameter(
            f'\'{where}.mode\' must be "auto" or "required".', param=f"{where}.mode"
        )
    if not isinstance(entries, list) or not entries:
        raise InvalidParameter(f"'{where}.tools' must name tools.", param=f"{where}.tools")
    names = []
    for i, entry in enumerate(entries):
        match entry:
            case (
                {"function": {"name": str(name)}}
                | {"custom": {"name": str(name)}}
                | {"name": str(name)}
            ):
                names.append(known_name(name, tools, f"{where}.tools[{i}]"))
            case _:
                raise InvalidParameter(
                    f"'{where}.tools[{i}]' must name a function.", param=f"{where}.tools[{i}]"
                )
    return ToolChoice("required" if mode == "required" else "auto", allowed=tuple(names))


def _takes_object(schema: Schema | None) -> bool:
    kind = schema.get("type", "object") if isinstance(schema, dict) else "object"
    return schema is not False and "object" in (kind if isinstance(kind, list) else [kind])
