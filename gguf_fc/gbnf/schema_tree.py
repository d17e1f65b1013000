"""A JSON Schema, understood: a closed sum of what a value may be.

``schema_read`` makes these trees and ``schema`` turns them into rules.  "Cannot be satisfied" is
a value (``Nothing``), so that a reader can go on and the alternatives decide.  Trees are compared
and hashed by what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gguf_fc.gbnf.numeric import Bound


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
    """The numbers in a range."""

    least: Bound | None = None
    most: Bound | None = None
    integer: bool = False


@dataclass(frozen=True, slots=True)
class String:
    """The strings of so many characters."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Array:
    """Arrays that begin with *prefix*, go on with *items*, and have so many in all."""

    prefix: tuple[Schema, ...] = ()
    items: Schema = Anything()
    least: int = 0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A member known by name."""

    name: str
    schema: Schema
    required: bool


@dataclass(frozen=True, slots=True)
class Object:
    """Objects with these properties in this order, then others.

    *extra* None: the schema does not say whether there may be others.  *listed*: it lists
    properties, if only none, so that there is a list to be closed.
    """

    properties: tuple[Property, ...] = ()
    extra: Schema | None = None
    listed: bool = False
    least: int = 0
    most: int | None = None


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
    if ANYTHING in flat:
        return ANYTHING
    if not flat:
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))
