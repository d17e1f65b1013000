"""Intersection of schemas.

This is how sibling keywords, ``allOf`` and references with conditions beside them become one
schema.  Also here, since it asks the same of the trees: whether two schemas can have a value in
common.

Theory of operation.  A reference may lead back to where it stands, so it is never looked through
while two schemas are being met: the pair gets a key of its own, and its meeting is worked out when
somebody asks for that key.  The same pair gives the same key, which ends every recursion.

Alternatives multiply.  Their number is bounded in one meeting, and the work in all of them: beyond
that the first of the two schemas is kept, which allows too much and is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm

from gguf_fc.grammar.schema.intersect_objects import meet_objects
from gguf_fc.grammar.schema.known_values import Judge, member
from gguf_fc.grammar.schema.tree import (
    NOTHING,
    AnyOf,
    Anything,
    Array,
    Nothing,
    Number,
    Object,
    Ref,
    Schema,
    String,
    Values,
    any_of,
    array,
    least_of,
    number,
    options_of,
)
from gguf_fc.grammar.values.number_ranges import Bound
from gguf_fc.grammar.values.strings import StringBound

_MAX_PAIRS = 2_000  # meetings of references
_MAX_OPTIONS = 2_000  # alternatives that one meeting may fan out into
_MAX_MEMBERS = 800  # properties in all of these
_MAX_STEPS = 30_000  # meetings in all
_AUTOMATON = 50  # steps, or comparisons, that meeting two strings counts as
_MAX_REGIONS = 40  # regions of two objects that may be met
_MAX_LOOKS = 20_000  # comparisons in all
_MAX_DEPTH = 6  # of references looked through to see that two schemas have nothing in common


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
    _steps: int = field(default=0, init=False)
    _looks: int = field(default=0, init=False)

    def meet(self, a: Schema, b: Schema) -> Schema:
        """Intersection of *a* and *b*."""
        match a, b:
            case (Anything(), other) | (other, Anything()):
                return other
            case (Nothing(), _) | (_, Nothing()):
                return NOTHING
            case _ if a == b:
                return a
        self._steps += 1
        if self._steps > _MAX_STEPS:
            self.loosen("there is too much to combine")
            return a
        match a, b:
            case (Values() as values, other) | (other, Values() as values):
                return self._kept(values, other)
            case (AnyOf(), _) | (_, AnyOf()):
                return self._distribute(a, b)
            case (Ref(), _) | (_, Ref()):
                return self._pair(a, b)
            case _:
                return self._kinds(a, b)

    def resolved(self, schema: Schema) -> Schema:
        """*schema*, or the definition it refers to."""
        return self.resolve(schema) if isinstance(schema, Ref) else schema

    def can_meet(self, a: Schema, b: Schema) -> bool:
        """True if the alternatives of both are few and small enough to be combined."""
        left, right = options_of(a), options_of(b)
        if len(left) * len(right) > _MAX_OPTIONS:
            return False
        widths = [
            [len(o.properties) for o in side if isinstance(o, Object)] for side in (left, right)
        ]
        if min(map(len, widths)) <= 1:
            return True
        # Each combination of objects repeats the properties of both.
        return len(widths[0]) * len(widths[1]) * max(map(max, widths)) <= _MAX_MEMBERS

    def disjoint(self, a: Schema, b: Schema, depth: int = 0) -> bool:
        """True if it is plain that *a* and *b* have no value in common."""
        self._looks += _AUTOMATON if isinstance(a, String) and isinstance(b, String) else 1
        if self._looks > _MAX_LOOKS or depth > _MAX_DEPTH:
            return False
        match a, b:
            case (Nothing(), _) | (_, Nothing()):
                return True
            case (Anything(), _) | (_, Anything()):
                return False
            case (AnyOf(options), other) | (other, AnyOf(options)):
                return all(self.disjoint(option, other, depth) for option in options)
            case (Values() as values, other) | (other, Values() as values):
                return self._kept(values, other) == NOTHING
            case (Ref() as ref, other) | (other, Ref() as ref):
                return ref != other and self.disjoint(self.resolve(ref), other, depth + 1)
            case Object(), Object():
                return self._objects_disjoint(a, b, depth)
            case Array(), Array():
                return self._arrays_disjoint(a, b, depth)
            case _:
                return self._kinds(a, b) == NOTHING

    def _kept(self, values: Values, other: Schema) -> Schema:
        judge = Judge(self.resolve)
        kept = tuple(t for t in values.texts if judge.accepts(other, json.loads(t)))
        return Values(kept) if kept else NOTHING

    def _distribute(self, a: Schema, b: Schema) -> Schema:
        left, right = options_of(a), options_of(b)
        if not self.can_meet(a, b):
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
                return self._numbers(a, b)
            case String(mine), String(theirs):
                self._steps += _AUTOMATON
                return string(mine.meet(theirs))
            case Array(), Array():
                return self._arrays(a, b)
            case Object(), Object():
                return meet_objects(self.meet, a, self._with_few_regions(a, b))
            case _:
                return a if a == b else NOTHING

    def _numbers(self, a: Number, b: Number) -> Schema:
        least = _tighter(a.least, b.least, lambda x, y: x > y)
        most = _tighter(a.most, b.most, lambda x, y: x < y)
        multiple = _common_multiple(a.multiple, b.multiple)
        if multiple is None and a.multiple is not None:
            self.loosen("what is a multiple of both numbers has too many digits")
            multiple = a.multiple
        integer, fractional = a.integer or b.integer, a.fractional or b.fractional
        return number(Number(least, most, integer, multiple, fractional))

    def _arrays(self, a: Array, b: Array) -> Schema:
        width = max(len(a.prefix), len(b.prefix))
        prefix = tuple(self.meet(a.item(at), b.item(at)) for at in range(width))
        items = a.items if b.items is None else b.items
        if a.items is not None and b.items is not None:
            items = self.meet(a.items, b.items)
        return array(
            Array(
                prefix,
                items,
                max(a.least, b.least),
                least_of(a.most, b.most),
                tuple(dict.fromkeys(a.contains + b.contains)),
                a.unique or b.unique,
                max(a.looked_at, b.looked_at),
            )
        )

    def _with_few_regions(self, a: Object, b: Object) -> Object:
        """*b*, without what it says of names by pattern if that is too much to tell apart."""
        count = (len(a.regions) + 1) * (len(b.regions) + 1)
        if not (a.regions or b.regions):
            return b
        self._steps += count * _AUTOMATON
        if count <= _MAX_REGIONS or not b.regions:
            return b
        self.loosen("patterns of names overlap in too many ways")
        return replace(b, regions=(), extra=None)

    def _objects_disjoint(self, a: Object, b: Object, depth: int) -> bool:
        if max(a.least, b.least) > (least_of(a.most, b.most) or 0) and (a.most or b.most):
            return True
        names = dict.fromkeys(p.name for one in (a, b) for p in one.properties if p.required)
        return any(self.disjoint(member(a, name)[0], member(b, name)[0], depth) for name in names)

    def _arrays_disjoint(self, a: Array, b: Array, depth: int) -> bool:
        least, most = max(a.least, b.least), least_of(a.most, b.most)
        if most is not None and least > most:
            return True
        looked = min(least, max(len(a.prefix), len(b.prefix)) + 1)
        return any(self.disjoint(a.item(at), b.item(at), depth) for at in range(looked))


def string(bound: StringBound) -> Schema:
    """The strings within *bound*, unless there are none."""
    if bound == StringBound(bound.min_length, bound.max_length):  # needs no automaton
        most = bound.max_length
        return NOTHING if most is not None and most < bound.min_length else String(bound)
    return NOTHING if bound.is_empty else String(bound)


def _common_multiple(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    """The smallest number that is a whole multiple of both; None where it has too many digits."""
    if a is None or b is None:
        return a if b is None else b
    one, other = Fraction(a), Fraction(b)
    common = Fraction(lcm(one.numerator, other.numerator), gcd(one.denominator, other.denominator))
    written = Decimal(common.numerator) / Decimal(common.denominator)
    return written if Fraction(written) == common else None


def _tighter(
    a: Bound | None, b: Bound | None, beats: Callable[[Decimal, Decimal], bool]
) -> Bound | None:
    if a is None or b is None:
        return a or b
    if a.value == b.value:
        return replace(a, inclusive=a.inclusive and b.inclusive)
    return a if beats(a.value, b.value) else b
