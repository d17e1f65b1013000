"""Rules of what a schema admits: arguments of a tool, and answers in a form that was asked for.

Does not know where in a turn they stand.
"""

from __future__ import annotations

import json
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Builder, Loosened, Node, Spacing, compile_schema
from gguf_fc.grammar.schema.well_formed import NULL_IS_ABSENT

ANY_OBJECT: dict[str, Any] = {"type": "object"}
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_SHOWN = 40  # characters of a value in a message
_NAMELESS = {"type", "title", "description", "$schema", "$id", "$defs", "definitions"}


def arguments_schema(
    parameters: dict[str, Any] | bool | None,  # noqa: FBT001
    path: str,
    report: list[Loosened],
) -> dict[str, Any] | bool:
    """Make a schema of arguments: an object, also where *parameters*, at *path*, do not say so.

    A schema that says nothing of any key, as clients send for tools without parameters, allows
    none: the model would otherwise make them up.  Another type goes into the *report*.
    """
    if parameters is None or parameters is True:
        return _NO_ARGUMENTS
    if parameters is False:
        return parameters
    given = parameters.get("type", "object")
    if given != "object" and not (isinstance(given, list) and "object" in given):
        reason = f"arguments are an object, not {json.dumps(given)[:_SHOWN]}"
        report.append(Loosened(path, "type", NULL_IS_ABSENT if given is None else reason))
    if {key for key, value in parameters.items() if value is not None} <= _NAMELESS:
        return {**_NO_ARGUMENTS, **parameters, "type": "object", "additionalProperties": False}
    return {**parameters, "type": "object"}


def schema_rules(
    schema: Any,
    path: str,
    builder: Builder,
    report: list[Loosened],
    *,
    spacing: Spacing | None,
    any_order: bool = False,
) -> Node:
    """Compile a schema to rules; any JSON object, and *report* says so, if that is not possible.

    *spacing* None: any white space.
    """
    try:
        node, loosened = compile_schema(
            schema, builder, spacing=spacing, closed=True, any_order=any_order, path=path
        )
    except GrammarError as error:
        node, loosened = compile_schema(
            ANY_OBJECT, builder, spacing=spacing, closed=False, path=path
        )
        loosened = (*loosened, Loosened(path, "schema", error.message))
    report.extend(loosened)
    return node
