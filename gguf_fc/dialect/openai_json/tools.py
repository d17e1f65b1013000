"""Tools a model may call: functions with JSON arguments, and custom tools, which take a text."""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.dialect.openai_json.custom_tools import ANY_TEXT, matching, text_tool
from gguf_fc.dialect.openai_json.types import ChatTool, CustomTool
from gguf_fc.dialect.tool_rules import Declared, checked_tools
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Tool


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
    return text_tool(custom.name, custom.description, form, where)
