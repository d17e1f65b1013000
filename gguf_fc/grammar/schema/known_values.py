"""Known values: whether a schema tree accepts one, and which tree is exactly one.

This is how ``enum`` and ``const`` meet the keywords beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    NOTHING,
    AnyOf,
    Anything,
    Array,
    Boolean,
    Contains,
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
)
from gguf_fc.grammar.values.number_ranges import Bound

_MOST_KEPT = 128  # sets of values that are looked up in
_MAX_CHAIN = 50  # references in a row, without looking at a part of the value


def text_of(value: Any) -> str:
    """*value* as it stands in ``Values``."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def known_strings(values: Values) -> list[str]:
    """The strings among *values*."""
    found = (json.loads(text) for text in values.texts)
    return [value for value in found if isinstance(value, str)]


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides about values; *resolve* gives the definition of a reference."""

    resolve: Callable[[Ref], Schema]

    def accepts(self, schema: Schema, value: Any, depth: int = 0) -> bool:
        """True if *value* is valid."""
        match schema:
            case Anything():
                return True
            case Nothing():
                return False
            case Values():
                return key_of(value) in _keys(schema)
            case AnyOf(options):
                return any(self.accepts(option, value, depth) for option in options)
            case Ref():
                # A reference that only leads to itself says nothing against the value.
                return depth > _MAX_CHAIN or self.accepts(self.resolve(schema), value, depth + 1)
            case _:
                return self._kind_accepts(schema, value)

    def _kind_accepts(self, kind: Kind, value: Any) -> bool:
        match kind, value:
            case Null(), None:
                return True
            case Boolean(), bool():
                return True
            case Number(), int() | float() if not isinstance(value, bool):
                return _number_accepts(kind, Decimal(repr(value)))
            case String(bound), str():
                return bound.accepts(value)
            case Array(), list():
                return self._array_accepts(kind, value)
            case Object(), dict():
                return self._object_accepts(kind, value)
            case _:
                return False

    def _array_accepts(self, kind: Array, value: list[Any]) -> bool:
        return (
            _counts(len(value), kind.least, kind.most)
            and all(self.accepts(kind.item(at), item) for at, item in enumerate(value))
            and all(self._has(value, contains) for contains in kind.contains)
            and not (kind.unique and len(set(map(key_of, value))) < len(value))
        )

    def _has(self, value: list[Any], contains: Contains) -> bool:
        count = sum(self.accepts(contains.schema, item) for item in value)
        return _counts(count, contains.least, contains.most)

    def _object_accepts(self, kind: Object, value: dict[str, Any]) -> bool:
        names = {p.name for p in kind.properties}
        return (
            _counts(len(value), kind.least, kind.most)
            and all(p.name in value for p in kind.properties if p.required)
            and all(self.accepts(member(kind, name)[0], item) for name, item in value.items())
            and not (kind.more and value.keys() <= names)
        )


def member(kind: Object, name: str) -> tuple[Schema, bool]:
    """Schema of the member of that name, and whether the object declares it itself."""
    for known in kind.properties:
        if known.name == name:
            return known.schema, known.declared
    for region in kind.regions:
        if region.names.accepts(name):
            return region.schema, region.declared
    return kind.rest, kind.extra is not None


def exactly(value: Any) -> Schema:
    """The tree of this one value, as a kind where that says more than ``Values``."""
    match value:
        case bool() | None | str():
            return Values((text_of(value),))
        case int() | float():
            only = Bound(Decimal(repr(value)))
            return Number(only, only)
        case list():
            items = tuple(exactly(item) for item in value)
            return Array(items, NOTHING, len(items), len(items))
        case dict():
            members = (Property(name, exactly(inner), True) for name, inner in value.items())
            return Object(tuple(members), extra=NOTHING)
        case _:
            return ANYTHING


def key_of(value: Any) -> Hashable:
    """Key that equal JSON values have in common: 1 is 1.0, but true is not 1."""
    match value:
        case bool():
            return ("boolean", value)
        case list():
            return tuple(map(key_of, value))
        case dict():
            return frozenset((name, key_of(inner)) for name, inner in value.items())
        case _:
            assert isinstance(value, Hashable)
            return value


@lru_cache(maxsize=_MOST_KEPT)
def _keys(values: Values) -> frozenset[Hashable]:
    return frozenset(key_of(json.loads(text)) for text in values.texts)


def _number_accepts(kind: Number, value: Decimal) -> bool:
    whole = value == value.to_integral_value()
    if (kind.integer and not whole) or (kind.fractional and whole):
        return False
    # As fractions: a decimal remainder of numbers far apart has too many digits for its context.
    if kind.multiple is not None and Fraction(value) % Fraction(kind.multiple) != 0:
        return False
    return _above(value, kind.least) and _below(value, kind.most)


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
