"""What two schemas allow together.

This is how sibling keywords, ``allOf`` and references with conditions beside them become one
schema.  Also here, since they ask the same of the trees: whether a schema accepts a known value,
and whether two schemas can have a value in common.

Theory of operation.  A reference may lead back to where it stands, so it is never looked through
while two schemas are being met: the pair gets a key of its own, and its meeting is worked out when
somebody asks for that key.  The same pair gives the same key, which ends every recursion.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from gguf_fc.gbnf.numeric import Bound
from gguf_fc.gbnf.schema_tree import (
    ANYTHING,
    NOTHING,
    AnyOf,
    Anything,
    Array,
    Boolean,
    Kind,
    Nothing,
    Null,
    Number,
    Object,
    Property,
    Ref,
    Schema,
    String,
    Values,
    any_of,
)

_MAX_PAIRS = 2_000  # meetings of references
_MAX_OPTIONS = 5_000  # alternatives that one meeting may fan out into
_MAX_CHAIN = 50  # references in a row, without looking at a part of the value


@dataclass(slots=True, eq=False)
class Meeting:
    """Meets schemas.

    *resolve* gives the definition of a reference; *loosen* is told why only the first of two
    schemas was kept.
    """

    resolve: Callable[[Ref], Schema]
    loosen: Callable[[str], None]
    pairs: dict[str, tuple[Schema, Schema]] = field(default_factory=dict)
    _keys: dict[tuple[Schema, Schema], Ref] = field(default_factory=dict, init=False)

    def meet(self, a: Schema, b: Schema) -> Schema:
        """What both *a* and *b* allow."""
        match a, b:
            case (Anything(), other) | (other, Anything()):
                return other
            case (Nothing(), _) | (_, Nothing()):
                return NOTHING
            case _ if a == b:
                return a
            case (Values() as values, other) | (other, Values() as values):
                kept = tuple(t for t in values.texts if self.accepts(other, json.loads(t)))
                return Values(kept) if kept else NOTHING
            case (AnyOf(), _) | (_, AnyOf()):
                return self._distribute(a, b)
            case (Ref(), _) | (_, Ref()):
                return self._pair(a, b)
            case _:
                return self._kinds(a, b)

    def accepts(self, schema: Schema, value: Any, depth: int = 0) -> bool:
        """Whether *value* is valid."""
        match schema:
            case Anything():
                return True
            case Nothing():
                return False
            case Values(texts):
                return any(_equal(json.loads(text), value) for text in texts)
            case AnyOf(options):
                return any(self.accepts(option, value, depth) for option in options)
            case Ref():
                # A reference that only leads to itself says nothing against the value.
                return depth > _MAX_CHAIN or self.accepts(self.resolve(schema), value, depth + 1)
            case _:
                return self._kind_accepts(schema, value)

    def disjoint(self, a: Schema, b: Schema) -> bool:
        """Whether it is plain that *a* and *b* have no value in common."""
        match a, b:
            case (Nothing(), _) | (_, Nothing()):
                return True
            case (AnyOf(options), other) | (other, AnyOf(options)):
                return all(self.disjoint(option, other) for option in options)
            case (Values() as values, other) | (other, Values() as values):
                return self.meet(values, other) == NOTHING
            case Object(), Object():
                return self._objects_disjoint(a, b)
            case (Ref() | Anything(), _) | (_, Ref() | Anything()):
                return False
            case _:
                return self.meet(a, b) == NOTHING

    def _distribute(self, a: Schema, b: Schema) -> Schema:
        left = a.options if isinstance(a, AnyOf) else (a,)
        right = b.options if isinstance(b, AnyOf) else (b,)
        if len(left) * len(right) > _MAX_OPTIONS:
            self.loosen(f"{len(left)} alternatives beside {len(right)} others are too many")
            return a
        return any_of(*(self.meet(one, other) for one in left for other in right))

    def _pair(self, a: Schema, b: Schema) -> Schema:
        if (b, a) in self._keys:
            a, b = b, a
        if (a, b) not in self._keys:
            if len(self.pairs) >= _MAX_PAIRS:
                self.loosen("recursive schemas are combined in too many ways")
                return a
            key = f"both {len(self.pairs)}"
            self.pairs[key] = (a, b)
            self._keys[a, b] = Ref(key)
        return self._keys[a, b]

    def _kinds(self, a: Schema, b: Schema) -> Schema:
        match a, b:
            case Number(), Number():
                least = _tighter(a.least, b.least, lambda x, y: x > y)
                most = _tighter(a.most, b.most, lambda x, y: x < y)
                return _number(least, most, integer=a.integer or b.integer)
            case String(), String():
                return _string(max(a.least, b.least), _least_of(a.most, b.most))
            case Array(), Array():
                return self._arrays(a, b)
            case Object(), Object():
                return self._objects(a, b)
            case _:
                return NOTHING

    def _arrays(self, a: Array, b: Array) -> Schema:
        width = max(len(a.prefix), len(b.prefix))
        prefix = tuple(self.meet(_item(a, at), _item(b, at)) for at in range(width))
        least, most = max(a.least, b.least), _least_of(a.most, b.most)
        if most is not None and least > most:
            return NOTHING
        return Array(prefix, self.meet(a.items, b.items), least, most)

    def _objects(self, a: Object, b: Object) -> Schema:
        mine = {p.name: p for p in a.properties}
        theirs = {p.name: p for p in b.properties}
        properties = tuple(
            Property(
                name,
                self.meet(_member(a, mine.get(name)), _member(b, theirs.get(name))),
                any(p.required for p in (mine.get(name), theirs.get(name)) if p is not None),
            )
            for name in mine | theirs
        )
        extra = a.extra if b.extra is None else b.extra
        if a.extra is not None and b.extra is not None:
            extra = self.meet(a.extra, b.extra)
        if any(p.required and p.schema == NOTHING for p in properties):
            return NOTHING
        most = _least_of(a.most, b.most)
        return Object(properties, extra, a.listed or b.listed, max(a.least, b.least), most)

    def _objects_disjoint(self, a: Object, b: Object) -> bool:
        theirs = {p.name: p for p in b.properties}
        for mine in a.properties:
            other = _member(b, theirs.get(mine.name))
            needed = mine.required or (mine.name in theirs and theirs[mine.name].required)
            if needed and self.disjoint(mine.schema, other):
                return True
        names = {p.name for p in a.properties}
        return a.extra == NOTHING and any(p.required and p.name not in names for p in b.properties)

    def _kind_accepts(self, kind: Kind, value: Any) -> bool:
        match kind, value:
            case Null(), None:
                return True
            case Boolean(), bool():
                return True
            case Number(), int() | float() if not isinstance(value, bool):
                exact = Decimal(repr(value))
                whole = not kind.integer or exact == exact.to_integral_value()
                return whole and _above(exact, kind.least) and _below(exact, kind.most)
            case String(), str():
                return _counts(len(value), kind.least, kind.most)
            case Array(), list():
                return _counts(len(value), kind.least, kind.most) and all(
                    self.accepts(_item(kind, at), item) for at, item in enumerate(value)
                )
            case Object(), dict():
                return self._object_accepts(kind, value)
            case _:
                return False

    def _object_accepts(self, kind: Object, value: dict[str, Any]) -> bool:
        known = {p.name: p.schema for p in kind.properties}
        other = ANYTHING if kind.extra is None else kind.extra
        return (
            _counts(len(value), kind.least, kind.most)
            and all(p.name in value for p in kind.properties if p.required)
            and all(self.accepts(known.get(name, other), item) for name, item in value.items())
        )


def _number(least: Bound | None, most: Bound | None, *, integer: bool) -> Schema:
    if least is not None and most is not None:
        if least.value > most.value:
            return NOTHING
        if least.value == most.value and not (least.inclusive and most.inclusive):
            return NOTHING
    return Number(least, most, integer)


def _string(least: int, most: int | None) -> Schema:
    return NOTHING if most is not None and least > most else String(least, most)


def _tighter(
    a: Bound | None, b: Bound | None, beats: Callable[[Decimal, Decimal], bool]
) -> Bound | None:
    if a is None or b is None:
        return a or b
    if a.value == b.value:
        return replace(a, inclusive=a.inclusive and b.inclusive)
    return a if beats(a.value, b.value) else b


def _least_of(a: int | None, b: int | None) -> int | None:
    return a if b is None else b if a is None else min(a, b)


def _item(array: Array, at: int) -> Schema:
    return array.prefix[at] if at < len(array.prefix) else array.items


def _member(kind: Object, found: Property | None) -> Schema:
    if found is not None:
        return found.schema
    return ANYTHING if kind.extra is None else kind.extra


def _counts(count: int, least: int, most: int | None) -> bool:
    return least <= count and (most is None or count <= most)


def _above(value: Decimal, least: Bound | None) -> bool:
    if least is None or value > least.value:
        return True
    return least.inclusive and value == least.value


def _below(value: Decimal, most: Bound | None) -> bool:
    if most is None or value < most.value:
        return True
    return most.inclusive and value == most.value


def _equal(a: Any, b: Any) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1."""
    match a, b:
        case (bool(), _) | (_, bool()):
            return a is b
        case dict(), dict():
            return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
        case list(), list():
            return len(a) == len(b) and all(map(_equal, a, b))
        case _:
            return bool(a == b)
