"""The keywords of one type: what each type's own part of a schema says.

Knows single keywords, all of them well-formed; how they combine is ``read``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.schema.intersect import Meeting
from gguf_fc.grammar.schema.intersect_objects import disjoint
from gguf_fc.grammar.schema.known_values import known_strings, member
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    NOTHING,
    Array,
    Boolean,
    Contains,
    Kind,
    Nothing,
    Null,
    Number,
    Object,
    Property,
    Region,
    Schema,
    String,
    Values,
    array,
    number,
    options_of,
    satisfiable,
    step,
)
from gguf_fc.grammar.values.number_ranges import Bound
from gguf_fc.grammar.values.strings import StringBound, loosened

_MAX_DIGITS = 40  # of a numeric bound
_MAX_COUNT = 1_000_000  # of minLength and its like
_MAX_NAMES = 5_000  # of properties, and of required ones
_MAX_PATTERNS = 12  # that one object's names are told apart by


class Branch(NamedTuple):
    """A schema inside another."""

    schema: Schema
    exact: bool  # reading it lost nothing


@dataclass(frozen=True, slots=True)
class Site:
    """A schema object in its place.

    *raw* are its well-formed keywords, *written* is the part of the document that they stand in.
    """

    raw: dict[str, Any]
    written: dict[str, Any]
    path: str
    read: Callable[[Any, str], Schema]  # for the schemas inside
    report: Callable[[str, str, str], None]
    meeting: Meeting
    losses: Callable[[], int]  # how often something was loosened up to now

    def branch(self, *keys: str | int) -> Branch:
        """The schema under *keys*, and whether it is all that was written there."""
        before = self.losses()
        schema = self.inside(*keys)
        return Branch(schema, self.losses() == before)

    def inside(self, *keys: str | int) -> Schema:
        """The schema under *keys*."""
        found: Any = self.raw
        path = self.path
        for key in keys:
            found, path = found[key], step(path, key)
        return self.read(found, path)

    def wrong(self, keyword: str, expected: str) -> GrammarError:
        """The error for a keyword whose value is too large."""
        return GrammarError(f"{step(self.path, keyword)} must be {expected}")

    def loosen(self, keyword: str, reason: str) -> None:
        """Say that *keyword* is not enforced."""
        self.report(self.path, keyword, reason)

    def count(self, keyword: str) -> int | None:
        """A number of things; None where there is none, or one beyond any use."""
        value = self.raw.get(keyword)
        if value is None:
            return None
        if value > _MAX_COUNT:
            self.loosen(keyword, f"{value} is more than a grammar can count")
            return None
        return int(value)

    def bound(self, keyword: str) -> Decimal | None:
        """A limit of numbers; None where there is none, or one with too many digits."""
        value = self.raw.get(keyword)
        if value is None or isinstance(value, bool):
            return None
        exact = Decimal(repr(value))
        if not exact.is_finite() or len(f"{exact:f}") > _MAX_DIGITS:
            self.loosen(keyword, "the number has too many digits")
            return None
        return exact

    def text(self, keyword: str) -> tuple[str, ...]:
        """A keyword whose value is a text; nothing where there is none."""
        return (self.raw[keyword],) if keyword in self.raw else ()

    def mapping(self, keyword: str) -> dict[str, Any]:
        """A keyword whose value is an object."""
        value: dict[str, Any] = self.raw.get(keyword, {})
        if len(value) > _MAX_NAMES:
            raise self.wrong(keyword, f"an object with at most {_MAX_NAMES} names")
        return value

    def sequence(self, keyword: str) -> list[Any]:
        """A keyword whose value is a list of schemas."""
        value: list[Any] = self.raw.get(keyword, [])
        return value

    def names(self, keyword: str) -> list[str]:
        """A keyword whose value is a list of names."""
        value: list[str] = self.raw.get(keyword, [])
        if len(value) > _MAX_NAMES:
            raise self.wrong(keyword, f"an array of at most {_MAX_NAMES} strings")
        return list(dict.fromkeys(value))


def read_kind(kind: Kind, site: Site) -> Schema:
    """*kind* narrowed by the keywords of its type."""
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
    multiple = site.bound("multipleOf")
    return number(Number(least, most, integer, multiple))


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
    bound = StringBound(least, most, site.text("pattern"), site.text("format"))
    # Whether any text matches is left to the rules: finding out takes an automaton.
    return NOTHING if most is not None and most < least else String(bound)


def _array(site: Site) -> Schema:
    # Before draft 2020-12, ``items`` could be the list that ``prefixItems`` is now.
    first, others = "prefixItems", "items"
    if isinstance(site.raw.get("items"), list):
        first, others = "items", "additionalItems"
    prefix = tuple(site.inside(first, at) for at in range(len(site.sequence(first))))
    return array(
        Array(
            prefix,
            site.inside(others) if others in site.raw else None,
            site.count("minItems") or 0,
            site.count("maxItems"),
            tuple(_contains(site)),
            site.raw.get("uniqueItems") is True,
        )
    )


def _contains(site: Site) -> Iterator[Contains]:
    if "contains" in site.raw:
        least, most = site.count("minContains"), site.count("maxContains")
        wanted = site.branch("contains")
        if most is not None and not wanted.exact:
            site.loosen("maxContains", "it is not known exactly what is counted")
            most = None
        yield Contains(wanted.schema, 1 if least is None else least, most)


def _object(site: Site) -> Schema:
    declared, required = site.mapping("properties"), site.names("required")
    own = Object(
        tuple(Property(n, site.inside("properties", n), n in required) for n in declared),
        listed="properties" in site.raw,
        least=site.count("minProperties") or 0,
        most=site.count("maxProperties"),
    )
    found: Schema = own
    for pattern in site.mapping("patternProperties"):
        found = site.meeting.meet(found, _pattern(site, pattern))
    if not isinstance(found, Object):
        return found
    if "additionalProperties" in site.raw and not _has_lost_names(site):
        found = replace(found, extra=site.inside("additionalProperties"))
    undeclared = (_required(found, name) for name in required if name not in declared)
    found = replace(found, properties=(*found.properties, *undeclared))
    named = (
        site.meeting.meet(found, _property_names(site)) if "propertyNames" in site.raw else found
    )
    return satisfiable(named) if isinstance(named, Object) else named


def _required(found: Object, name: str) -> Property:
    schema, declared = member(found, name)
    return Property(name, schema, required=True, declared=declared)


def _pattern(site: Site, pattern: str) -> Schema:
    """Objects whose members with a name that matches *pattern* are as its schema says."""
    schema = site.inside("patternProperties", pattern)
    bound = StringBound(patterns=(pattern,))
    if reason := _unenforced(site, bound):
        site.loosen("patternProperties", f"{pattern!r}: {reason}")
        return Object()
    return Object(regions=(Region(bound, schema),))


def _unenforced(site: Site, bound: StringBound) -> str | None:
    if len(site.raw["patternProperties"]) > _MAX_PATTERNS:
        return "there are too many patterns"
    return next((reason for _, reason in loosened(bound)), None)


def _has_lost_names(site: Site) -> bool:
    """True if there are names, those of a lost pattern, that must not count as additional."""
    bounds = (StringBound(patterns=(pattern,)) for pattern in site.mapping("patternProperties"))
    return any(_unenforced(site, bound) for bound in bounds)


def _property_names(site: Site) -> Schema:
    """Objects whose names are as ``propertyNames`` says."""
    allowed = site.meeting.meet(site.inside("propertyNames"), String())
    known: list[str] = []
    bounds: list[StringBound] = []
    for option in options_of(site.meeting.resolved(allowed)):
        match option:
            case Nothing():
                pass
            case Values() as values:
                known.extend(known_strings(values))
            case String(bound):
                bounds.append(bound)
            case _:
                site.loosen("propertyNames", "the schema of the names is recursive")
                return Object()
    lost = [reason for bound in bounds for _, reason in loosened(bound)]
    if lost or len(bounds) > _MAX_PATTERNS:
        site.loosen("propertyNames", lost[0] if lost else "there are too many patterns")
        return Object()
    free = tuple(Property(name, ANYTHING, required=False, declared=False) for name in known)
    regions = tuple(Region(bound, ANYTHING, declared=False) for bound in disjoint(bounds))
    return Object(free, regions, extra=NOTHING)
