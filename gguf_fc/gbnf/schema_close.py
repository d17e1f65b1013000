"""Closing a schema: what it says nothing about gets a schema of its own.

``unevaluatedProperties`` and ``unevaluatedItems`` demand this, and so do tools whose parameters say
nothing of members beyond those they declare.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gguf_fc.gbnf.schema_meet import array
from gguf_fc.gbnf.schema_objects import satisfiable
from gguf_fc.gbnf.schema_tree import NOTHING, Array, Object, Schema, any_of

Meet = Callable[[Schema, Schema], Schema]


def close_object(meet: Meet, schema: Schema, other: Schema) -> Schema:
    """*schema*; if it is an object's, *other* holds for members that no declaration looked at."""
    if not isinstance(schema, Object):
        return schema
    return satisfiable(
        replace(
            schema,
            properties=tuple(
                known
                if known.declared
                else replace(known, schema=meet(known.schema, other), declared=True)
                for known in schema.properties
            ),
            regions=tuple(
                region
                if region.declared
                else replace(region, schema=meet(region.schema, other), declared=True)
                for region in schema.regions
            ),
            extra=other if schema.extra is None else schema.extra,
        )
    )


def close_array(_meet: Meet, schema: Schema, other: Schema) -> Schema:
    """*schema*; if it is an array's, *other* holds for items that no declaration looked at."""
    if not isinstance(schema, Array) or schema.items is not None:
        return schema
    looked_at = (contains.schema for contains in schema.contains)
    return array(replace(schema, items=any_of(*looked_at, other)))


def close_listed(schema: Schema) -> Schema:
    """*schema*; if it lists an object's properties and says nothing of others, there are none."""
    if not isinstance(schema, Object) or not schema.listed or schema.extra is not None:
        return schema
    return satisfiable(replace(schema, extra=NOTHING))
