"""The keywords that combine schemas: allOf, anyOf, oneOf, not, if, and the dependent ones.

Each becomes one schema that the rest then meets.  Where a schema has to be negated and no tree
says what it does not allow, or reading it lost something already, the keyword is loosened: what it
demands is left out, never something near it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from gguf_fc.grammar.schema.intersect import Meeting
from gguf_fc.grammar.schema.negate import Negation
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    KINDS,
    NOTHING,
    Object,
    Property,
    Schema,
    any_of,
    options_of,
)
from gguf_fc.grammar.schema.type_keywords import Branch, Site
from gguf_fc.grammar.schema.well_formed import is_schema

COMBINING = {
    *("allOf", "anyOf", "oneOf", "not", "if"),
    *("dependentRequired", "dependentSchemas", "dependencies"),
}

_MAX_COMPARED = 120  # branches of a oneOf that are compared with each other
_MAX_OVERLAPS = 60  # pairs of them that may have values in common
_MAX_EXCLUDED = 100  # alternatives that excluding the others may make of one branch
_MAX_SETS = 4  # branches of an anyOf of which every set is looked at
_UNEVALUATED = {"unevaluatedProperties", "unevaluatedItems"}
_NOT_OBJECTS = tuple(kind for kind in KINDS if not isinstance(kind, Object))


class Demand(NamedTuple):
    """Demand of one keyword."""

    keyword: str
    schema: Schema
    instead: Schema | None = None  # what is demanded where *schema* contradicts everything else


@dataclass(frozen=True, slots=True)
class Logic:
    """Reads the combining keywords of schemas."""

    meeting: Meeting
    negation: Negation

    def parts(self, site: Site) -> Iterator[Demand]:
        """Demands of the combining keywords of the schema."""
        raw = site.raw
        for branch in self._branches(site, "allOf"):
            yield Demand("allOf", branch.schema)
        if branches := self._branches(site, "anyOf"):
            yield Demand("anyOf", self._any(site, branches))
        if branches := self._branches(site, "oneOf"):
            union = any_of(*(branch.schema for branch in branches))
            yield Demand("oneOf", self._one(site, branches, union), union)
        if "not" in raw:
            yield Demand("not", self._not(site))
        if "if" in raw and raw.keys() & {"then", "else", *_UNEVALUATED}:
            yield Demand("if", self._if(site))
        for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
            for name, wanted in site.mapping(keyword).items():
                if _is_dependent(keyword, wanted):
                    yield Demand(keyword, self._dependent(site, keyword, name))
                else:
                    site.loosen(
                        keyword, f"{name!r} counts as absent: it has no names and no schema"
                    )

    def _branches(self, site: Site, keyword: str) -> list[Branch]:
        """Branches that are schemas; one that is none counts as absent, or it would allow all."""
        found = []
        for at, branch in enumerate(site.sequence(keyword)):
            if is_schema(branch):
                found.append(site.branch(keyword, at))
            else:
                site.loosen(keyword, f"branch {at} counts as absent: it is no schema")
        return found

    def _negated(self, branch: Branch) -> Schema | None:
        return self.negation.of(branch.schema) if branch.exact else None

    def _any(self, site: Site, branches: list[Branch]) -> Schema:
        schemas = [branch.schema for branch in branches]
        union = any_of(*schemas)
        if not _UNEVALUATED & site.raw.keys():
            return union
        # A value may be valid under several branches, and then counts as looked at by each.
        if len(schemas) > _MAX_SETS or union == ANYTHING:
            site.loosen("anyOf", "which branches look at a value is not followed")
            return union
        sets = [
            self._all(chosen)
            for size in range(1, len(schemas) + 1)
            for chosen in combinations(schemas, size)
        ]
        return any_of(*sets)

    def _all(self, schemas: tuple[Schema, ...]) -> Schema:
        met: Schema = ANYTHING
        for schema in schemas:
            met = self.meeting.meet(met, schema)
        return met

    def _one(self, site: Site, branches: list[Branch], union: Schema) -> Schema:
        reason = "a value may be valid under more than one branch"
        if len(branches) > _MAX_COMPARED:
            site.loosen("oneOf", reason)
            return union
        overlaps = [
            (a, b)
            for a, b in combinations(range(len(branches)), 2)
            if not self.meeting.disjoint(branches[a].schema, branches[b].schema)
        ]
        if not overlaps:
            return union
        apart = self._apart(branches, overlaps) if len(overlaps) <= _MAX_OVERLAPS else None
        if apart is None:
            site.loosen("oneOf", reason)
            return union
        return apart

    def _apart(self, branches: list[Branch], overlaps: list[tuple[int, int]]) -> Schema | None:
        """Each branch without the others; None where one cannot be negated."""
        overlapping = sorted({at for pair in overlaps for at in pair})
        others = {at: self._negated(branches[at]) for at in overlapping}
        found: list[Schema] = [branch.schema for branch in branches]
        for pair in overlaps:
            for at, excluded in (pair, pair[::-1]):
                other = others[excluded]
                if other is None or not self.meeting.can_meet(found[at], other):
                    return None
                found[at] = self.meeting.meet(self.meeting.resolved(found[at]), other)
                if len(options_of(found[at])) > _MAX_EXCLUDED:
                    return None
        return any_of(*found)

    def _not(self, site: Site) -> Schema:
        other = self._negated(site.branch("not"))
        if other is None:
            site.loosen("not", "what it excludes cannot be told apart by a grammar")
            return ANYTHING
        return other

    def _if(self, site: Site) -> Schema:
        condition = site.branch("if")
        positive = site.inside("then") if "then" in site.raw else ANYTHING
        negative = site.inside("else") if "else" in site.raw else ANYTHING
        other = self._negated(condition)
        if other is None:
            site.loosen("if", "where it does not hold cannot be told apart by a grammar")
            other = ANYTHING
        holds = self.meeting.meet(condition.schema, positive)
        return any_of(holds, self.meeting.meet(other, negative))

    def _dependent(self, site: Site, keyword: str, name: str) -> Schema:
        """Demand of a dependent keyword where there is a member of that name."""
        absent = Object((Property(name, NOTHING, required=False, declared=False),))
        wanted = site.raw[keyword][name]
        names = [wanted] if isinstance(wanted, str) else wanted
        if isinstance(names, list):
            present: Schema = _requiring([name, *names])
        else:
            present = self.meeting.meet(_requiring([name]), site.inside(keyword, name))
        return any_of(*_NOT_OBJECTS, absent, present)


def _is_dependent(keyword: str, wanted: Any) -> bool:
    """True if *wanted* has the form of what *keyword* makes depend on a name."""
    if is_schema(wanted):
        return keyword != "dependentRequired"
    names = [wanted] if isinstance(wanted, str) and keyword == "dependencies" else wanted
    of_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return of_names and keyword != "dependentSchemas"


def _requiring(names: list[str]) -> Object:
    unique = dict.fromkeys(names)
    return Object(tuple(Property(n, ANYTHING, required=True, declared=False) for n in unique))
