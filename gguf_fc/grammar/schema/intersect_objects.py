"""Intersection of two object schemas.

Theory of operation.  The names of members fall into three sorts: those of properties, those within
a region, and all others.  A name that is a property on one side meets whatever the other side says
of it; a region meets each region of the other side, and the rest of it meets what the other side
says of all others.  *more*, "a member that is none of the properties", has to be said anew when the
other side adds properties: it is one of those, or still another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from gguf_fc.grammar.schema.known_values import member
from gguf_fc.grammar.schema.tree import (
    NOTHING,
    Object,
    Property,
    Region,
    Schema,
    any_of,
    satisfiable,
)
from gguf_fc.grammar.values.strings import StringBound

Meet = Callable[[Schema, Schema], Schema]


def meet_objects(meet: Meet, a: Object, b: Object) -> Schema:
    """Intersection of *a* and *b*, each part worked out by *meet*."""
    names = _names(a, b)
    properties = tuple(_property(meet, a, b, name) for name in names)
    extra = a.extra if b.extra is None else b.extra
    if a.extra is not None and b.extra is not None:
        extra = meet(a.extra, b.extra)
    most = a.most if b.most is None else b.most if a.most is None else min(a.most, b.most)
    met = Object(
        properties,
        tuple(_regions(meet, a, b)),
        extra,
        a.listed or b.listed,
        max(a.least, b.least),
        most,
    )
    options = [met]
    for side in (a, b):
        if side.more:
            options = [part for option in options for part in _with_more(option, side)]
    return any_of(*map(satisfiable, options))


def _with_more(met: Object, side: Object) -> Iterator[Object]:
    """*met*, with a member that is none of the properties of *side*."""
    own = {p.name for p in side.properties}
    for at, known in enumerate(met.properties):
        if known.name not in own and known.schema != NOTHING:
            needed = replace(known, required=True)
            yield replace(met, properties=(*met.properties[:at], needed, *met.properties[at + 1 :]))
    yield replace(met, more=True)


def _names(a: Object, b: Object) -> dict[str, None]:
    """All names in order; one that *a* only requires stands where *b* declares it."""
    declared = {p.name for p in b.properties if p.declared}
    first = {p.name: None for p in a.properties if p.declared or p.name not in declared}
    return first | {p.name: None for p in b.properties}


def _property(meet: Meet, a: Object, b: Object, name: str) -> Property:
    mine, mine_declared = member(a, name)
    theirs, theirs_declared = member(b, name)
    required = any(p.required for one in (a, b) for p in one.properties if p.name == name)
    return Property(name, meet(mine, theirs), required, mine_declared or theirs_declared)


def _regions(meet: Meet, a: Object, b: Object) -> Iterator[Region]:
    for mine in a.regions:
        for theirs in b.regions:
            names = mine.names.meet(theirs.names)
            if not names.is_empty:
                schema = meet(mine.schema, theirs.schema)
                yield Region(names, schema, mine.declared or theirs.declared)
    for one, other in ((a, b), (b, a)):
        for region in one.regions:
            for names in outside(region.names, (theirs.names for theirs in other.regions)):
                declared = region.declared or other.extra is not None
                yield Region(names, meet(region.schema, other.rest), declared)


def outside(names: StringBound, others: Iterable[StringBound]) -> tuple[StringBound, ...]:
    """Difference of *names* and all *others*, as bounds that share no text."""
    left = [names]
    for other in others:
        parts = disjoint(other.complement())
        left = [met for one in left for part in parts if not (met := one.meet(part)).is_empty]
    return tuple(left)


def disjoint(bounds: Iterable[StringBound]) -> list[StringBound]:
    """Bounds that share no text and together allow what *bounds* do."""
    apart: list[StringBound] = []
    for bound in bounds:
        apart.extend(outside(bound, tuple(apart)))
    return apart
