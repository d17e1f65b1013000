"""Legacy ``functions`` and ``function_call``: what came before ``tools`` and ``tool_choice``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gguf_fc.dialect.openai_json.tool_choice import known_name
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.dialect.openai_json.types import LegacyFunction
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Tool, ToolChoice


def functions_of(functions: Sequence[LegacyFunction]) -> tuple[Tool, ...]:
    """The functions as tools.  Raises InvalidParameter."""
    return checked_tools(
        Declared(
            tool=Tool(
                name=function.name,
                description=function.description,
                parameters=function.parameters,
            ),
            name_at=f"functions[{i}].name",
            schema_at=f"functions[{i}].parameters",
        )
        for i, function in enumerate(functions)
    )


def function_choice_of(
    function_call: str | dict[str, Any] | None, functions: tuple[Tool, ...]
) -> ToolChoice:
    """*function_call*, a choice among *functions*.  Raises InvalidParameter."""
    match function_call:
        case None | "auto":
            return ToolChoice("auto")
        case "none":
            return ToolChoice("none")
        case {"name": str(name)}:
            where = "function_call.name"
            return ToolChoice("named", known_name(name, functions, where, "functions"))
        case _:
            raise InvalidParameter(
                '\'function_call\' must be "none", "auto" or {"name": ...}.', param="function_call"
            )
