"""Negation of schemas: what one does not allow, as a schema.

This is how ``not``, ``oneOf`` and ``if`` are resolved.  None means that no tree says it: the values
that are not unique, not a multiple, or of a recursive schema.  Nothing here is approximate, since
too large an answer would be too small where it is negated again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from gguf_fc.grammar.schema.known_values import exactly, text_of
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    KINDS,
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
    any_of,
)
from gguf_fc.grammar.values.number_ranges import Bound
from gguf_fc.grammar.values.strings import StringBound

_MAX_DEPTH = 12  # schemas in schemas
_MAX_VALUES = 200  # values that are excluded one by one


@dataclass(frozen=True, slots=True)
class Negation:
    """Negates schemas; *resolve* gives the definition of a reference if that is exact."""

    resolve: Callable[[Ref], Schema | None]
    meet: Callable[[Schema, Schema], Schema]

    def of(self, schema: Schema, depth: int = 0) -> Schema | None:
        """Every value that *schema* does not allow; None where no tree says it."""
        if depth > _MAX_DEPTH:
            return None
        match schema:
            case Anything():
                return NOTHING
            case Nothing():
                return ANYTHING
            case Ref():
                definition = self.resolve(schema)
                return None if definition is None else self.of(definition, depth + 1)
            case AnyOf(options):
                return self._all(self.of(option, depth + 1) for option in options)
            case Values(texts):
                return self._values(texts, depth)
            case _:
                within = self._within(schema, depth)
                return None if within is None else any_of(*_other_kinds(schema), within)

    def _all(self, schemas: Iterable[Schema | None]) -> Schema | None:
        met: Schema = ANYTHING
        for schema in schemas:
            if schema is None:
                return None
            met = self.meet(met, schema)
        return met

    def _values(self, texts: tuple[str, ...], depth: int) -> Schema | None:
        if len(texts) > _MAX_VALUES:
            return None
        values = [json.loads(text) for text in texts]
        strings = tuple(value for value in values if isinstance(value, str))
        others = [value for value in values if not isinstance(value, str)]
        kinds = [kind for kind in KINDS if not isinstance(kind, String | Null | Boolean)]
        without = any_of(
            *kinds,
            String(StringBound(excluded=strings)),
            *(
                Values((text_of(value),))
                for value in (None, True, False)
                if not _is_in(value, others)
            ),
        )
        rest = (self.of(exactly(value), depth + 1) for value in others if _is_compound(value))
        return self._all((without, *rest))

    def _within(self, kind: Kind, depth: int) -> Schema | None:
        """The values of the same type that *kind* does not allow."""
        match kind:
            case Null() | Boolean():
                return NOTHING
            case Number():
                return _number(kind)
            case String(bound):
                return any_of(*map(String, bound.complement()))
            case Array():
                return self._union(self._array(kind, depth))
            case Object():
                return self._union(self._object(kind, depth))

    def _union(self, parts: Iterator[Schema | None]) -> Schema | None:
        found = list(parts)
        return any_of(*(part for part in found if part)) if None not in found else None

    def _array(self, kind: Array, depth: int) -> Iterator[Schema | None]:
        if kind.unique:
            yield None
        if kind.least:
            yield Array(most=kind.least - 1)
        if kind.most is not None:
            yield Array(least=kind.most + 1)
        for at, schema in enumerate(kind.prefix):
            if schema != ANYTHING:
                other = self.of(schema, depth + 1)
                free = (ANYTHING,) * at
                yield other if other is None else Array((*free, other), least=at + 1, seen=0)
        if kind.rest == NOTHING:
            yield Array(least=len(kind.prefix) + 1)
        elif kind.rest != ANYTHING:
            other = None if kind.prefix else self.of(kind.rest, depth + 1)
            yield other if other is None else Array(contains=(Contains(other),))
        for contains in kind.contains:
            yield from self._contains(contains, depth)

    def _contains(self, contains: Contains, depth: int) -> Iterator[Schema | None]:
        if contains.most is not None:
            yield Array(contains=(replace(contains, least=contains.most + 1, most=None),))
        if contains.least == 1:
            other = self.of(contains.schema, depth + 1)
            yield other if other is None else Array(items=other)
        elif contains.least:
            yield Array(contains=(replace(contains, least=0, most=contains.least - 1),))

    def _object(self, kind: Object, depth: int) -> Iterator[Schema | None]:
        if kind.least:
            yield Object(most=kind.least - 1)
        if kind.most is not None:
            yield Object(least=kind.most + 1)
        for known in kind.properties:
            if known.required:
                yield Object((Property(known.name, NOTHING, required=False, declared=False),))
            if known.schema != ANYTHING:
                other = self.of(known.schema, depth + 1)
                yield other if other is None else _with(known.name, other)
        names = tuple(
            Property(known.name, ANYTHING, required=False, declared=False)
            for known in kind.properties
        )
        if kind.more:
            yield Object(names, extra=NOTHING)
        if kind.rest != ANYTHING or any(region.schema != ANYTHING for region in kind.regions):
            closed = kind.rest == NOTHING and not kind.regions
            yield Object(names, more=True) if closed else None


def _with(name: str, schema: Schema) -> Schema:
    if schema == NOTHING:
        return NOTHING
    return Object((Property(name, schema, required=True, declared=False),))


def _other_kinds(kind: Kind) -> Iterator[Kind]:
    return (other for other in KINDS if type(other) is not type(kind))


def _number(kind: Number) -> Schema | None:
    if kind.multiple is not None:
        return None
    parts: list[Schema] = []
    if kind.integer:
        parts.append(Number(fractional=True))
    if kind.fractional:
        parts.append(Number(integer=True))
    if kind.least is not None:
        parts.append(Number(most=_beyond(kind.least)))
    if kind.most is not None:
        parts.append(Number(least=_beyond(kind.most)))
    return any_of(*parts)


def _beyond(limit: Bound) -> Bound:
    return Bound(limit.value, inclusive=not limit.inclusive)


def _is_in(value: bool | None, others: list[object]) -> bool:  # noqa: FBT001  a JSON value
    return any(value is other for other in others)


def _is_compound(value: object) -> bool:
    """True if it is none of the three values that have a name."""
    return value is not None and not isinstance(value, bool)
