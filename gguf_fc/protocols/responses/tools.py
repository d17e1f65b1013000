"""Tools of a response: functions and custom tools; tools of other types are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gguf_fc.dialect.openai_json.custom_tools import ANY_TEXT, matching, text_tool
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.dialect.openai_json.types import ToolName
from gguf_fc.errors import InvalidParameter
from gguf_fc.protocols.responses.schema import ResponsesBody, ResponseTool
from gguf_fc.request import Schema, Tool, ToolChoice

_CALLABLE = ("function", "custom")


def tools_of(body: ResponsesBody) -> tuple[Tool, ...]:
    """Tools that the model may call.  Raises InvalidParameter."""
    return checked_tools(
        _declared(tool, f"tools[{n}]") for n, tool in enumerate(body.tools or ()) if tool.is_offered
    )


def custom_names(body: ResponsesBody) -> frozenset[str]:
    """The names of the custom tools among them."""
    offered = (tool for tool in body.tools or () if tool.is_offered and tool.type == "custom")
    return frozenset(tool.name for tool in offered if tool.name is not None)


def choice_of(body: ResponsesBody, tools: tuple[Tool, ...]) -> ToolChoice:
    """Choice among *tools*.  Raises InvalidParameter."""
    choice = body.tool_choice
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        over = set(_entries_passed_over(body))
        kept = [entry for n, entry in enumerate(_entries(body)) if n not in over]
        choice = {**choice, "tools": kept}
    return tool_choice_of(choice, tools)


def tools_passed_over(body: ResponsesBody) -> Iterator[str]:
    """Paths of tools, and of mentions of them, that have no effect."""
    yield from (f"tools[{n}]" for n, tool in enumerate(body.tools or ()) if not tool.is_offered)
    yield from (f"tool_choice.tools[{n}]" for n in _entries_passed_over(body))


def _entries_passed_over(body: ResponsesBody) -> Iterator[int]:
    """The entries of ``tool_choice.tools`` that name a tool that is passed over."""
    over = {tool.name for tool in body.tools or () if not tool.is_offered}
    for n, entry in enumerate(_entries(body)):
        if isinstance(entry, dict):
            kind = entry.get("type", "function")
            if kind not in _CALLABLE or (kind == "custom" and entry.get("name") in over):
                yield n


def _entries(body: ResponsesBody) -> list[Any]:
    choice = body.tool_choice
    entries = choice.get("tools") if isinstance(choice, dict) else None
    return entries if isinstance(entries, list) else []


def _declared(tool: ResponseTool, where: str) -> Declared:
    name = _name(tool, f"{where}.name")
    if tool.type == "custom":
        return Declared(
            tool=text_tool(name, tool.description, _form(tool, f"{where}.format")),
            name_at=f"{where}.name",
            schema_at=where,
        )
    return Declared(
        tool=Tool(
            name=name,
            description=tool.description,
            parameters=tool.parameters,
            strict=bool(tool.strict),
        ),
        name_at=f"{where}.name",
        schema_at=f"{where}.parameters",
    )


def _form(tool: ResponseTool, where: str) -> Schema:
    """The form of a custom tool's text."""
    asked = tool.format
    if asked is None or asked.type == "text":
        return ANY_TEXT
    for name, given in (("syntax", asked.syntax), ("definition", asked.definition)):
        if given is None:
            raise InvalidParameter(f"'{where}.{name}' is required.", param=f"{where}.{name}")
    return matching(asked.syntax or "", asked.definition or "", where)


def _name(tool: ResponseTool, param: str) -> str:
    if tool.name is None:
        raise InvalidParameter(
            f"'{param}' is required; the fields of a tool stand in the tool itself.", param=param
        )
    try:
        name: str = msgspec.convert(tool.name, ToolName)
    except msgspec.ValidationError as error:
        raise InvalidParameter(f"'{param}' cannot be used: {error}.", param=param) from error
    return name
