"""Tools a model may call: functions with JSON arguments, and custom tools, which take a text.

``checked_tools`` holds the tools of every protocol to the same rules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gguf_fc.dialect.openai_json.custom_tools import ANY_TEXT, matching, text_tool
from gguf_fc.dialect.openai_json.types import ChatTool, CustomTool
from gguf_fc.errors import InvalidParameter
from gguf_fc.grammar.schema.well_formed import TYPES
from gguf_fc.request import Schema, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A tool, with the paths of its name and of its schema in the request."""

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


def tools_of(tools: Sequence[ChatTool | Tool]) -> tuple[Tool, ...]:
    """The tools, each with its place in the request.  Raises InvalidParameter."""
    return checked_tools(_declared(tool, n) for n, tool in enumerate(tools))


def _declared(tool: ChatTool | Tool, n: int) -> Declared:
    where = f"tools[{n}]"
    if isinstance(tool, Tool):
        return Declared(tool=tool, name_at=f"{where}.name", schema_at=tool.parameters_at(n))
    if tool.type == "custom" and tool.custom is not None:
        return _custom(tool.custom, f"{where}.custom")
    if tool.type == "function" and (function := tool.function) is not None:
        return Declared(
            tool=Tool(
                name=function.name,
                description=function.description,
                parameters=function.parameters,
                strict=bool(function.strict),
            ),
            name_at=f"{where}.function.name",
            schema_at=f"{where}.function.parameters",
        )
    raise InvalidParameter(f"'{where}.{tool.type}' is required.", param=f"{where}.{tool.type}")


def _custom(custom: CustomTool, where: str) -> Declared:
    form = ANY_TEXT
    if custom.format is not None and custom.format.type == "grammar":
        param = f"{where}.format.grammar"
        grammar = custom.format.grammar
        if grammar is None:
            raise InvalidParameter(f"'{param}' is required.", param=param)
        form = matching(grammar.syntax, grammar.definition, param)
    tool = text_tool(custom.name, custom.description, form)
    return Declared(tool=tool, name_at=f"{where}.name", schema_at=where)


def _takes_object(schema: Schema | None) -> bool:
    """True unless *schema* asks for another type; one that does not exist asks for nothing."""
    if not isinstance(schema, dict):
        return schema is not False
    given = schema.get("type")
    types = TYPES.intersection(
        name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)
    )
    return not types or not types.isdisjoint({"object", "any"})
