"""Closing a schema: members and items that it says nothing about get a schema of their own.

``unevaluatedProperties`` and ``unevaluatedItems`` demand this.  In requests it is also done where
the schema does not: an object that lists its properties has no others (``closed_object``), since a
small model invents members up to the token limit where it may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gguf_fc.grammar.schema.intersect import Meeting
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    KINDS,
    NOTHING,
    Array,
    Object,
    Ref,
    Schema,
    any_of,
    array,
    options_of,
    satisfiable,
)

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


def close_array(meet: Meet, schema: Schema, other: Schema) -> Schema:
    """*schema*; if it is an array's, *other* holds for items that no declaration looked at."""
    if not isinstance(schema, Array):
        return schema
    unseen = any_of(*(contains.schema for contains in schema.contains), other)
    prefix = tuple(
        item if at < schema.looked_at else meet(item, unseen)
        for at, item in enumerate(schema.prefix)
    )
    items = unseen if schema.items is None else schema.items
    return array(replace(schema, prefix=prefix, items=items, seen=None))


def kinds_of(meeting: Meeting, schema: Schema) -> Iterator[Schema]:
    """The alternatives of *schema*, no reference and not just anything among them."""
    for option in options_of(schema):
        for part in options_of(meeting.resolved(option) if isinstance(option, Ref) else option):
            yield from KINDS if part == ANYTHING else (part,)


def described_types(meeting: Meeting, schema: Schema) -> Schema:
    """*schema* without the types it says nothing of, if it says something of others.

    ``{"properties": ...}`` is meant as an object, though it allows every number too.
    """
    options = [*kinds_of(meeting, schema)]
    said = [option for option in options if option not in KINDS]
    kinds = {type(option) for option in options}
    return any_of(*(said if said and len(kinds) == len(KINDS) else options))


def closed_options(options: Sequence[Schema]) -> list[Schema]:
    """*options* without objects that need a member of which only a negated schema speaks.

    ``oneOf`` of A and B is, among others, A with a member of B that B does not allow.  Where A
    without that member is an option too, it is the one that is meant.
    """
    objects = [option for option in options if isinstance(option, Object)]
    plain = [_declared(one) for one in objects if not _needs_undeclared(one)]
    beside = {
        one
        for one in objects
        if _needs_undeclared(one) and any(_declared(one) <= names for names in plain)
    }
    return [option for option in options if option not in beside]


def _needs_undeclared(found: Object) -> bool:
    """True if a member is required and narrowed, but not declared, in an object to be closed."""
    return (
        found.listed
        and found.extra is None
        and any(p.required and not p.declared and p.schema != ANYTHING for p in found.properties)
    )


def _declared(found: Object) -> frozenset[str]:
    return frozenset(known.name for known in found.properties if known.declared)


def closed_object(schema: Object) -> Schema:
    """*schema* without other members, if it lists properties and says nothing of others.

    NOTHING where no object is valid then.
    """
    if not schema.listed or schema.extra is not None:
        return schema
    return satisfiable(replace(schema, extra=NOTHING))
