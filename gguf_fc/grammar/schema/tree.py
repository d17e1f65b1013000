"""A JSON Schema, understood: a closed sum of what a value may be.

``read`` makes these trees and ``compile/`` turns them into rules.  "Cannot be satisfied" is
a value (``Nothing``), so that a reader can go on and the alternatives decide.  Trees are compared
and hashed by what they say.

A tree says exactly what the schema says, also where no grammar can hold it: what is lost is lost
in the writing, and reported there.  Only so can a tree be negated.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, NamedTuple

from gguf_fc.grammar.values.number_ranges import Bound
from gguf_fc.grammar.values.strings import StringBound


class Loosened(NamedTuple):
    """A place where the grammar lets through more than the schema does."""

    path: str  # JSON path into the schema, "$" is its root
    keyword: str
    reason: str


def _known_hash(self: _Compound) -> int:
    """The hash of all fields, worked out once: trees are looked up much and share their parts."""
    try:
        return self.known_hash
    except AttributeError:
        found = hash(tuple(getattr(self, name) for name in self.__match_args__))
        object.__setattr__(self, "known_hash", found)
        return found


class _Compound:
    """A node that may hold much."""

    __slots__ = ("known_hash",)
    __match_args__: ClassVar[tuple[str, ...]]
    known_hash: int


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
class Contains(_Compound):
    """So many of an array's items are of *schema*."""

    __hash__ = _known_hash

    schema: Schema
    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Array(_Compound):
    """Arrays that begin with *prefix*, go on with *items*, and have so many in all.

    *items* None: the schema does not say what comes after the prefix.  *unique*: no two items are
    equal.
    """

    __hash__ = _known_hash

    prefix: tuple[Schema, ...] = ()
    items: Schema | None = None
    least: int = 0
    most: int | None = None
    contains: tuple[Contains, ...] = ()
    unique: bool = False
    seen: int | None = None  # so many of the prefix count as looked at; None: all

    @property
    def looked_at(self) -> int:
        """Number of items in front of which the schema itself says something."""
        return len(self.prefix) if self.seen is None else self.seen

    @property
    def rest(self) -> Schema:
        """Schema of an item behind the prefix."""
        return Anything() if self.items is None else self.items

    def item(self, at: int) -> Schema:
        """Schema of the item of that number."""
        return self.prefix[at] if at < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True)
class Property(_Compound):
    """A member known by name.

    *declared*: the schema says what its value is, and so counts as having looked at it
    (``unevaluatedProperties``); a name that is only required is not declared.
    """

    __hash__ = _known_hash

    name: str
    schema: Schema
    required: bool
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Region(_Compound):
    """Members whose names are within a bound and not those of properties."""

    __hash__ = _known_hash

    names: StringBound
    schema: Schema
    declared: bool = True


@dataclass(frozen=True, slots=True)
class Object(_Compound):
    """Objects with these properties in this order, then others.

    No name is in two regions.  *extra* is what members in no region may be; None: the schema does
    not say.  *listed*: it lists properties, if only none, so that there is a list to be closed.
    *more*: at least one member is none of the properties.
    """

    __hash__ = _known_hash

    properties: tuple[Property, ...] = ()
    regions: tuple[Region, ...] = ()
    extra: Schema | None = None
    listed: bool = False
    least: int = 0
    most: int | None = None
    more: bool = False

    @property
    def rest(self) -> Schema:
        """Schema of a member in no region."""
        return Anything() if self.extra is None else self.extra


@dataclass(frozen=True, slots=True)
class Values(_Compound):
    """Exactly these values, each as JSON text."""

    __hash__ = _known_hash

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf(_Compound):
    """Union: what at least one of the options allows."""

    __hash__ = _known_hash

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


# Types without what contradicts itself: NOTHING where no value is left.


def array(found: Array) -> Schema:
    """*found* without what cannot be: nothing behind the first place that no item fits."""
    most = found.most
    for at, schema in enumerate(found.prefix):
        if schema == NOTHING:
            most = least_of(most, at)
            break
    else:
        if found.rest == NOTHING:
            most = least_of(most, len(found.prefix))
    if most is not None and found.least > most:
        return NOTHING
    if any(contains.least and contains.schema == NOTHING for contains in found.contains):
        return NOTHING
    return replace(found, most=most)


def least_of(a: int | None, b: int | None) -> int | None:
    """The tighter of two upper limits."""
    return a if b is None else b if a is None else min(a, b)


def number(found: Number) -> Schema:
    """*found*, unless no number can be within its limits."""
    least, most, multiple = found.least, found.most, found.multiple
    if found.integer and found.fractional:
        return NOTHING
    if least is not None and most is not None:
        if least.value > most.value:
            return NOTHING
        if least.value == most.value and (found.fractional or not _holds_edge(least, most)):
            return NOTHING
    if found.integer and multiple is not None and 1 % Fraction(multiple) == 0:
        return replace(found, multiple=None)  # every integer is a multiple of it
    return found


def _holds_edge(least: Bound, most: Bound) -> bool:
    return least.inclusive and most.inclusive


def satisfiable(found: Object) -> Schema:
    """*found*, unless it plainly contradicts itself."""
    required = sum(p.required for p in found.properties)
    if any(p.required and p.schema == NOTHING for p in found.properties):
        return NOTHING
    if found.most is not None and max(found.least, required) > found.most:
        return NOTHING
    closed = found.extra == NOTHING and not found.regions
    if closed and (found.more or found.least > _possible(found)):
        return NOTHING
    return found


def _possible(found: Object) -> int:
    return sum(p.schema != NOTHING for p in found.properties)


def step(path: str, key: str | int) -> str:
    """*path* with one more step."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    plain = key.replace("_", "a").replace("$", "a").replace("-", "a")
    return f"{path}.{key}" if plain.isalnum() else f"{path}[{key!r}]"
