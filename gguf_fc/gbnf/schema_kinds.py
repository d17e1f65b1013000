"""The keywords of one type: what each type's own part of a schema says.

Knows single keywords and what a malformed one looks like; how they combine is ``schema_read``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf.numeric import Bound
from gguf_fc.gbnf.schema_refs import step
from gguf_fc.gbnf.schema_tree import (
    ANYTHING,
    NOTHING,
    Array,
    Boolean,
    Kind,
    Null,
    Number,
    Object,
    Property,
    Schema,
    String,
)

_MAX_DIGITS = 40  # of a numeric bound
_MAX_COUNT = 1_000_000  # of minLength and its like

# Keywords that no part of the tree holds yet, and the type whose values they narrow.
_UNENFORCED = {
    String: ("pattern", "format", "contentEncoding", "contentMediaType"),
    Number: ("multipleOf", "divisibleBy"),
    Array: ("uniqueItems", "contains", "unevaluatedItems"),
    Object: (
        "patternProperties",
        "propertyNames",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ),
}


# Values with which a keyword asks for nothing, where that is not "no" or "none".
_ASKS_NOTHING: dict[str, tuple[object, ...]] = {
    "contains": (None,),
    "propertyNames": (None, True, {}),
    "unevaluatedItems": (None, True, {}),
    "unevaluatedProperties": (None, True, {}),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A schema object in its place."""

    raw: dict[str, Any]
    path: str
    read: Callable[[Any, str], Schema]  # for the schemas inside
    report: Callable[[str, str, str], None]

    def inside(self, *keys: str | int) -> Schema:
        """The schema under *keys*."""
        found: Any = self.raw
        path = self.path
        for key in keys:
            found, path = found[key], step(path, key)
        return self.read(found, path)

    def wrong(self, keyword: str, expected: str) -> GrammarError:
        """The error for a keyword whose value makes no sense."""
        return GrammarError(f"{step(self.path, keyword)} must be {expected}")

    def loosen(self, keyword: str, reason: str) -> None:
        """Say that *keyword* is not enforced."""
        self.report(self.path, keyword, reason)

    def count(self, keyword: str) -> int | None:
        """A number of things; None where there is none, or one beyond any use."""
        value = self.raw.get(keyword)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
            raise self.wrong(keyword, "a whole number")
        if value > _MAX_COUNT:
            self.loosen(keyword, f"{value} is more than a grammar can count")
            return None
        return max(0, int(value))

    def bound(self, keyword: str) -> Decimal | None:
        """A limit of numbers; None where there is none, or one with too many digits."""
        value = self.raw.get(keyword)
        if value is None or isinstance(value, bool):
            return None
        if not isinstance(value, int | float):
            raise self.wrong(keyword, "a number")
        exact = Decimal(repr(value))
        if not exact.is_finite() or len(f"{exact:f}") > _MAX_DIGITS:
            self.loosen(keyword, "the limit has too many digits")
            return None
        return exact

    def mapping(self, keyword: str) -> dict[str, Any]:
        """A keyword whose value is an object."""
        value = self.raw.get(keyword, {})
        if not isinstance(value, dict):
            raise self.wrong(keyword, "an object")
        return value

    def names(self, keyword: str) -> list[str]:
        """A keyword whose value is a list of names.  Draft 3's boolean ``required`` is none."""
        value = self.raw.get(keyword, [])
        if isinstance(value, bool):
            return []
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            raise self.wrong(keyword, "an array of strings")
        return value


def read_kind(kind: Kind, site: Site) -> Schema:
    """*kind* narrowed by the keywords of its type."""
    for keyword in _UNENFORCED.get(type(kind), ()):
        if site.raw.get(keyword) not in _ASKS_NOTHING.get(keyword, (None, False, {}, [])):
            site.loosen(keyword, "not enforced by the grammar")
    match kind:
        case Null() | Boolean():
            return kind
        case Number():
            return _number(site, integer=kind.integer)
        case String():
            return _string(site)
        case Array():
            return _array(site)
        case Object():
            return _object(site)


def _number(site: Site, *, integer: bool) -> Schema:
    least = _limit(site, "minimum", "exclusiveMinimum", max)
    most = _limit(site, "maximum", "exclusiveMaximum", min)
    return Number(least, most, integer)


def _limit(
    site: Site, keyword: str, exclusive: str, tighter: Callable[[Decimal, Decimal], Decimal]
) -> Bound | None:
    """Both forms of a limit in one.  In draft 4 the exclusive one was a flag beside the other."""
    value, beyond = site.bound(keyword), site.bound(exclusive)
    if value is not None and site.raw.get(exclusive) is True:
        return Bound(value, inclusive=False)
    if beyond is not None and (value is None or tighter(value, beyond) == beyond):
        return Bound(beyond, inclusive=False)
    return None if value is None else Bound(value)


def _string(site: Site) -> Schema:
    least, most = site.count("minLength") or 0, site.count("maxLength")
    return NOTHING if most is not None and least > most else String(least, most)


def _array(site: Site) -> Schema:
    least, most = site.count("minItems") or 0, site.count("maxItems")
    if most is not None and least > most:
        return NOTHING
    # Before draft 2020-12, ``items`` could be the list that ``prefixItems`` is now.
    first, others = "prefixItems", "items"
    if isinstance(site.raw.get("items"), list):
        first, others = "items", "additionalItems"
    prefix = site.raw.get(first, [])
    if not isinstance(prefix, list):
        raise site.wrong(first, "an array of schemas")
    schemas = tuple(site.inside(first, at) for at in range(len(prefix)))
    rest = site.inside(others) if others in site.raw else ANYTHING
    return Array(schemas, rest, least, most)


def _object(site: Site) -> Schema:
    declared, required = site.mapping("properties"), site.names("required")
    least, most = site.count("minProperties") or 0, site.count("maxProperties")
    extra = site.inside("additionalProperties") if "additionalProperties" in site.raw else None
    if site.raw.get("patternProperties"):
        extra = None  # which names the patterns take from it is not known
    properties = [
        Property(name, site.inside("properties", name), name in required) for name in declared
    ]
    undeclared = dict.fromkeys(name for name in required if name not in declared)
    other = ANYTHING if extra is None else extra
    properties.extend(Property(name, other, required=True) for name in undeclared)
    if any(p.required and p.schema == NOTHING for p in properties):
        return NOTHING
    return Object(tuple(properties), extra, "properties" in site.raw, least, most)
