"""A JSON Schema, understood: a closed sum of what a value may be.

``schema_read`` makes these trees and ``schema`` turns them into rules.  "Cannot be satisfied" is
a value (``Nothing``), so that a reader can go on and the alternatives decide.  Trees are compared
and hashed by what they say.

A tree says exactly what the schema says, also where no grammar can hold it: what is lost is lost
in the writing, and reported there.  Only so can a tree be negated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from gguf_fc.gbnf.numeric import Bound
from gguf_fc.gbnf.strings import StringBound


class Loosened(NamedTuple):
    """A place where the grammar lets through more than the schema does."""

    path: str  # JSON path into the schema, "$" is its root
    keyword: str
    reason: str


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value."""


@dataclass(frozen=True, slots=True)
class Null:
    """null."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """true and false."""


@dataclass(frozen=True, slots=True)
class Number:
    """The numbers in a range; with *multiple*, only whole multiples of it.

    *fractional*: only those that are not whole.
    """

    least: Bound | None = None
    most: Bound | None = None
    integer: bool = False
    multiple: Decimal | None = None
    fractional: bool = False


@dataclass(frozen=True, slots=True)
class String:
    """The strings within a bound."""

    bound: StringBound = field(default_factory=StringBound)


@dataclass(frozen=True, slots=True)
class Contains:
    """So many of an array's items are of *schema*."""

    schema: Schema
    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Array:
    """Arrays that begin with *prefix*, go on with *items*, and have so many in all.

    *items* None: the schema does not say what comes after the prefix.  *unique*: no two items are
    equal.
    """

    prefix: tuple[Schema, ...] = ()
    items: Schema | None = None
    least: int = 0
    most: int | None = None
    contains: tuple[Contains, ...] = ()
    unique: bool = False
    seen: int | None = None  # so many of the prefix count as looked at; None: all

    @property
    def looked_at(self) -> int:
        """How many items in front the schema itself says something of."""
        return len(self.prefix) if self.seen is None else self.seen

    @property
    def rest(self) -> Schema:
        """What an item behind the prefix may be."""
        return Anything() if self.items is None else self.items

    def item(self, at: int) -> Schema:
        """What the item of that number may be."""
        return self.prefix[at] if at < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True)
class Property:
    """A member known by name.

    *declared*: the schema says what its value is, and so counts as having looked at it
    (``unevaluatedProperties``); a name that is only required is not declared.
    """

    name: str
    schema: Schema
    required: bool
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """Members whose names are within a bound and not those of properties."""

    names: StringBound
    schema: Schema
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """Objects with these properties in this order, then others.

    No name is in two regions.  *extra* is what members in no region may be; None: the schema does
    not say.  *listed*: it lists properties, if only none, so that there is a list to be closed.
    *more*: at least one member is none of the properties.
    """

    properties: tuple[Property, ...] = ()
    regions: tuple[Region, ...] = ()
    extra: Schema | None = None
    listed: bool = False
    least: int = 0
    most: int | None = None
    more: bool = False

    @property
    def rest(self) -> Schema:
        """What a member in no region may be."""
        return Anything() if self.extra is None else self.extra


@dataclass(frozen=True, slots=True)
class Values:
    """Exactly these values, each as JSON text."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What at least one of the options allows."""

    options: tuple[Schema, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """The definition of that key."""

    key: str


Kind = Null | Boolean | Number | String | Array | Object
Schema = Anything | Nothing | Kind | Values | AnyOf | Ref

ANYTHING = Anything()
NOTHING = Nothing()
KINDS: tuple[Kind, ...] = (Null(), Boolean(), Number(), String(), Array(), Object())


def any_of(*options: Schema) -> Schema:
    """The union, flattened, without doubles."""
    flat: dict[Schema, None] = {}
    for option in options:
        flat.update(dict.fromkeys(option.options if isinstance(option, AnyOf) else (option,)))
    flat.pop(NOTHING, None)
    if ANYTHING in flat or (len(flat) >= len(KINDS) and all(kind in flat for kind in KINDS)):
        return ANYTHING
    if not flat:
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))


def options_of(schema: Schema) -> tuple[Schema, ...]:
    """The alternatives of *schema*: itself where there is but one."""
    return schema.options if isinstance(schema, AnyOf) else (schema,)
