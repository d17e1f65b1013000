"""The parameters of a tool as the schema of its arguments.  Does not know how those are written."""

from __future__ import annotations

from typing import Any

ANY_OBJECT: dict[str, Any] = {"type": "object"}
_NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_NAMELESS = {"type", "title", "description", "$schema", "$id", "$defs", "definitions"}


def arguments_schema(parameters: dict[str, Any] | bool | None) -> dict[str, Any] | bool:  # noqa: FBT001
    """Arguments are an object, also where the schema does not say so.

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
