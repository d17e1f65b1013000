"""Tools that were built into a model and are called as code: which of the offered ones are so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gguf_fc.dialect.parameter_types import ParameterType
from gguf_fc.dialect.syntax import Code


def code_argument(schema: Any) -> str | None:
    """The one argument of a tool with these parameters, if any text will do for it."""
    match ParameterType.of(schema).only_parameter():
        case (name, value) if value.takes_any_text:
            return name
        case _:
            return None


def code_tool(code: Code, schemas: Mapping[str, Any]) -> tuple[str, str] | None:
    """The tool that runs code, of those that may be called, and the name of its argument."""
    found = ((name, code_argument(schemas[name])) for name in code.runs if name in schemas)
    return next(((name, argument) for name, argument in found if argument is not None), None)
