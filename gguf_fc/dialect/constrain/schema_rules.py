"""Rules of what a schema admits: arguments of a tool, and answers in a form that was asked for.

Does not know where in a turn they stand.
"""

from __future__ import annotations

from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Builder, Loosened, Node, Spacing, compile_schema

ANY_OBJECT: dict[str, Any] = {"type": "object"}
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_NAMELESS = {"type", "title", "description", "$schema", "$id", "$defs", "definitions"}


def arguments_schema(parameters: dict[str, Any] | bool | None) -> dict[str, Any] | bool:  # noqa: FBT001
    """Make a schema of arguments: an object, also where *parameters* do not say so.

    A schema that says nothing of any key, as clients send for tools without parameters, allows
    none: the model would otherwise make them up.
    """
    if parameters is None or parameters is True:
        return _NO_ARGUMENTS
    if parameters is False:
        return parameters
    if parameters.keys() <= _NAMELESS:
        return {**parameters, **_NO_ARGUMENTS}
    return {**parameters, "type": "object"}


def schema_rules(
    schema: Any,
    path: str,
    builder: Builder,
    report: list[Loosened],
    *,
    spacing: Spacing,
    closed: bool,
) -> Node:
    """Compile a schema to rules; any JSON object, and *report* says so, if that is not possible."""
    try:
        node, loosened = compile_schema(schema, builder, spacing=spacing, closed=closed, path=path)
    except GrammarError as error:
        node, loosened = compile_schema(
            ANY_OBJECT, builder, spacing=spacing, closed=False, path=path
        )
        loosened = (*loosened, Loosened(path, "schema", error.message))
    report.extend(loosened)
    return node
