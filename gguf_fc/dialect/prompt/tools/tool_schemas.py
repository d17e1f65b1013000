"""Tool schemas in the forms that templates know.

Templates read schemas as their authors wrote them: a keyword that is there has a value, and a
property has a schema that is an object.  Clients send ``"required": null`` and properties that are
``true``; either makes a template fail, or print a null.  What ``shown_schema`` leaves out means
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Keywords whose value is a mapping of schemas, a schema, or a list of schemas.
MAPS_OF_SCHEMAS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_SCHEMAS = frozenset({"items", "contains", "not", "if", "then", "else", "propertyNames"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems", "items"})
_VALUES = frozenset({"const", "default"})  # in these null is a value
# Keywords that templates loop over.
_LOOPED: dict[str, type] = {"properties": dict, "required": list, "enum": list}


def shown_schema(schema: Any) -> dict[str, Any]:
    """*schema* without keywords that are null, and objects for the schemas ``true`` and ``false``.

    Values that are no schema at all count as ``true``: any value.
    """
    if schema is False:
        return {"not": {}}
    if not isinstance(schema, dict):
        return {}
    return {
        keyword: mapped(keyword, value, shown_schema)
        for keyword, value in schema.items()
        if keyword in _VALUES or (value is not None and _fits(keyword, value))
    }


def subschemas(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects that are schemas directly inside of *schema*."""
    found: list[dict[str, Any]] = []

    def note(inner: Any) -> dict[str, Any]:
        if isinstance(inner, dict):
            found.append(inner)
        return {}

    for keyword, value in schema.items():
        mapped(keyword, value, note)
    return found


def _fits(keyword: str, value: Any) -> bool:
    """True unless a template would loop over *value* as something it is not."""
    return isinstance(value, _LOOPED.get(keyword, object))


def mapped(keyword: str, value: Any, each: Callable[[Any], dict[str, Any]]) -> Any:
    """*value* of a keyword with every schema in it replaced by what *each* makes of it."""
    match value:
        case dict() if keyword in MAPS_OF_SCHEMAS:
            return {name: each(member) for name, member in value.items()}
        case list() if keyword in _LISTS:
            return [each(member) for member in value]
        case dict() | bool() if keyword in _SCHEMAS:
            return each(value)
        case dict() if keyword == "additionalProperties":
            return each(value)
        case _:
            return value
