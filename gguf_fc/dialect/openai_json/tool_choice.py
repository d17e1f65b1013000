"""``tool_choice``: none, one or some of the tools; names may be nested or flat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Tool, ToolChoice

MODES = frozenset({"none", "auto", "required", "any"})  # words of ``tool_choice``


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


def known_name(name: str, tools: Iterable[Tool], param: str, among: str = "tools") -> str:
    """*name*, given as *param*, if one of *tools*, which the request calls *among*, has it.

    Raises InvalidParameter.
    """
    if name not in {tool.name for tool in tools}:
        raise InvalidParameter(f"'{param}' is '{name}', which is not in '{among}'.", param=param)
    return name


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
