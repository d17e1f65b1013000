"""Types of JSON values: that of a value, and those which a schema tree admits.

Notations that do not show a value's type, ``<days>3</days>``, take it from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

from gguf_fc.grammar.schema.known_values import exactly
from gguf_fc.grammar.schema.tree import (
    KINDS,
    AnyOf,
    Anything,
    Array,
    Boolean,
    Nothing,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    String,
    Values,
    any_of,
)

JsonType = str  # "string", "number" (integers too), "boolean", "null", "array", "object"
Resolve = Callable[[Schema], Schema]  # gives the definition of a reference, else the schema itself

ALL_TYPES: frozenset[JsonType] = frozenset(
    ("string", "number", "boolean", "null", "array", "object")
)
_NAMES: dict[type, JsonType] = {
    Null: "null",
    Boolean: "boolean",
    Number: "number",
    String: "string",
    Array: "array",
    Object: "object",
}


def json_type(value: Any) -> JsonType:
    """JSON type of a Python value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


def alternatives(
    resolve: Resolve, schema: Schema, within: frozenset[Schema] = frozenset()
) -> Iterator[Schema]:
    """Alternatives of *schema* of one type each, or known values; references are followed.

    *within* are the references that led here: what refers to nothing but itself has none.
    """
    match schema:
        case Anything():
            yield from KINDS
        case Nothing():
            return
        case AnyOf(options):
            for option in options:
                yield from alternatives(resolve, option, within)
        case Ref():
            if schema not in within:
                yield from alternatives(resolve, resolve(schema), within | {schema})
        case _:
            yield schema


def parts_of(resolve: Resolve, schema: Schema) -> Iterator[Schema]:
    """Alternatives of *schema*, with known values as what they consist of."""
    for part in alternatives(resolve, schema):
        if isinstance(part, Values):
            yield from (exactly(json.loads(text)) for text in part.texts)
        else:
            yield part


def objects_of(resolve: Resolve, schema: Schema) -> list[Object]:
    """Alternatives of *schema* that are objects."""
    return [part for part in parts_of(resolve, schema) if isinstance(part, Object)]


def types_of(resolve: Resolve, schema: Schema) -> frozenset[JsonType]:
    """Types that a value of *schema* may have."""
    found: set[JsonType] = set()
    for part in alternatives(resolve, schema):
        if isinstance(part, Values):
            found.update(json_type(json.loads(text)) for text in part.texts)
        else:
            found.add(_NAMES[type(part)])
    return frozenset(found)


def narrowed(resolve: Resolve, schema: Schema, types: Collection[JsonType]) -> Schema:
    """*schema*, but only the values of these types."""
    if types_of(resolve, schema) <= {*types}:
        return schema
    return any_of(*(_narrowed(part, types) for part in alternatives(resolve, schema)))


def _narrowed(part: Schema, types: Collection[JsonType]) -> Schema:
    if not isinstance(part, Values):
        return any_of(*((part,) if _NAMES[type(part)] in types else ()))
    kept = tuple(text for text in part.texts if json_type(json.loads(text)) in types)
    return any_of(*((Values(kept),) if kept else ()))
