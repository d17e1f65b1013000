"""The rules of an array.

Theory of operation.  Items of one kind, however many, are a repetition, and so are those behind a
prefix.  ``contains`` has to count, and ``uniqueItems`` to remember: for these there is one rule for
each state, which is how many items there have been, and how many of the wanted kind or which of
the values.  Both are possible only while the states are few.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Any, Protocol

from gguf_fc.grammar.rules import (
    NEVER,
    Builder,
    Literal,
    Node,
    Reference,
    Repeat,
    choice,
    optional,
    repeated,
    sequence,
)
from gguf_fc.grammar.schema.known_values import key_of, text_of
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.tree import (
    ANYTHING,
    Array,
    Boolean,
    Contains,
    Nothing,
    Null,
    Schema,
    Values,
    options_of,
    step,
)

_END: Node = Literal("")
_NESTED = 8  # items of a prefix after which a rule of its own begins
_MAX_STATES = 300
_MAX_SETS = 130  # sets of values that an array may have had already

Marks = int | frozenset[int]


class ItemWriter(Protocol):
    """Notation of items, and the punctuation around them."""

    @property
    def builder(self) -> Builder:
        """Collector of all rules of the grammar."""

    @property
    def reader(self) -> SchemaReader:
        """Reader of the schema, whose algebra compares items."""

    @property
    def comma(self) -> Node:
        """Separator of two items."""

    def item(self, schema: Schema, path: str) -> Node:
        """Item that is valid under *schema*."""

    def define(self, path: str, node: Node) -> Reference:
        """Store *node* as a rule of its own."""

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Report that *keyword* is not enforced."""


@dataclass(slots=True, eq=False)
class ArrayRules:
    """Writer of one array's rules, in any notation."""

    writer: ItemWriter
    schema: Array
    path: str

    def items(self) -> tuple[Node, bool]:
        """Items without what stands around them, and whether there may be none."""
        memory = self._unique() or self._containing()
        return self._plain() if memory is None else _States(self, memory).items()

    def item(self, at: int) -> Node:
        """The rule of the item of that number."""
        return self.writer.item(self.schema.item(at), self.path_of(at))

    def path_of(self, at: int) -> str:
        """Path of the schema of that item."""
        if at < len(self.schema.prefix):
            return step(step(self.path, "prefixItems"), at)
        return step(self.path, "items")

    @property
    def places(self) -> int:
        """Number of items after which the number no longer matters."""
        schema = self.schema
        return max(len(schema.prefix), schema.least) if schema.most is None else schema.most

    def _unique(self) -> _Chosen | None:
        """The memory that keeps items apart, where one is needed and small enough."""
        if not self.schema.unique or self._is_unique_anyway():
            return None
        memory = None if self.schema.contains else _Chosen.of(self)
        if memory is None:
            self.writer.loosen(self.path, "uniqueItems", "too many different items are possible")
        return memory

    def _is_unique_anyway(self) -> bool:
        schema = self.schema
        if schema.most is not None and schema.most <= 1:
            return True
        bounded = schema.most is not None and schema.most <= len(schema.prefix)
        pairs = combinations(schema.prefix[: schema.most], 2)
        return bounded and all(self.writer.reader.meeting.disjoint(a, b) for a, b in pairs)

    def _containing(self) -> _Counting | None:
        """The memory that counts what ``contains`` wants, where it is small enough."""
        memory: _Counting | None = None
        for contains in self.schema.contains:
            found = _Counting.of(self, contains)
            if memory is None and found is not None:
                memory = found
            elif contains.least or contains.most is not None:
                self.writer.loosen(self.path, "contains", "there is too much to count")
        return memory

    def _plain(self) -> tuple[Node, bool]:
        """Items one by one, without looking back."""
        array, writer = self.schema, self.writer
        rest = writer.item(array.rest, step(self.path, "items"))
        if not array.prefix:
            most = 0 if rest == NEVER else array.most
            return repeated(rest, sequence(writer.comma, rest), array.least, most)
        width = len(array.prefix) if array.most is None else min(len(array.prefix), array.most)
        left = None if array.most is None else array.most - width
        after: Node = Repeat(sequence(writer.comma, rest), max(0, array.least - width), left)
        # From the last position back: each item and, there or not, those after it.
        for at in range(width - 1, -1, -1):
            if at:
                after = sequence(writer.comma, self.item(at), after)
                after = after if array.least > at else optional(after)
                after = after if at % _NESTED else writer.define(f"{self.path}.rest", after)
            else:
                after = sequence(self.item(at), after)
        return after, array.least == 0


class _ItemMemory(Protocol):
    """State of the items up to now: what the next one depends on."""

    def steps(self, at: int, marks: Marks) -> Iterator[tuple[Node, Marks]]:
        """The items that may come at that place, and what is known after each."""

    def may_end(self, marks: Marks) -> bool:
        """True if the array may end when this is known."""

    @property
    def start(self) -> Marks:
        """State before the first item."""


@dataclass(frozen=True, slots=True)
class _Counting:
    """Counts the items that one ``contains`` wants."""

    rules: ArrayRules
    contains: Contains
    other: Schema  # what it does not want
    start: Marks = 0

    @classmethod
    def of(cls, rules: ArrayRules, contains: Contains) -> _Counting | None:
        """None where there is nothing to count, or too much."""
        if not contains.least and contains.most is None:
            return None
        other = rules.writer.reader.negation.of(contains.schema)
        if other is None:
            if contains.most is not None:
                return None
            other = ANYTHING  # what is wanted may be passed over
        self = cls(rules, contains, other)
        return self if (rules.places + 1) * (self._cap + 1) <= _MAX_STATES else None

    @property
    def _cap(self) -> int:
        most = self.contains.most
        return self.contains.least if most is None else most

    def steps(self, at: int, marks: Marks) -> Iterator[tuple[Node, Marks]]:
        """Items that are wanted, and others; when enough have come, all alike."""
        assert isinstance(marks, int)
        if marks == self._cap and self.contains.most is None:
            yield self.rules.item(at), marks
            return
        writer, item, path = self.rules.writer, self.rules.schema.item(at), self.rules.path_of(at)
        meet = writer.reader.meeting.meet
        if marks < self._cap:
            yield writer.item(meet(item, self.contains.schema), path), marks + 1
        yield writer.item(meet(item, self.other), path), marks

    def may_end(self, marks: Marks) -> bool:
        """True if enough have come."""
        assert isinstance(marks, int)
        return marks >= self.contains.least


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Remembers which of a few values have come."""

    rules: ArrayRules
    values: tuple[Any, ...]  # all of them
    places: tuple[frozenset[int], ...]  # those for each place of the prefix, then for the rest
    start: Marks = frozenset()

    @classmethod
    def of(cls, rules: ArrayRules) -> _Chosen | None:
        """None where the values are too many."""
        values: dict[Hashable, Any] = {}
        places: list[frozenset[int]] = []
        for schema in (*rules.schema.prefix, rules.schema.rest):
            found = _values_of(rules.writer.reader.meeting.resolved(schema))
            if found is None or len(found) > _MAX_SETS:
                return None
            places.append(frozenset(_number_in(values, value) for value in found))
        most = len(values) if rules.schema.most is None else rules.schema.most
        sets = sum(comb(len(values), size) for size in range(min(len(values), most) + 1))
        return cls(rules, tuple(values.values()), tuple(places)) if sets <= _MAX_SETS else None

    def steps(self, at: int, marks: Marks) -> Iterator[tuple[Node, Marks]]:
        """The values that have not come yet."""
        assert isinstance(marks, frozenset)
        for number in sorted(self.places[min(at, len(self.places) - 1)] - marks):
            value = Values((text_of(self.values[number]),))
            yield self.rules.writer.item(value, self.rules.path_of(at)), marks | {number}

    def may_end(self, marks: Marks) -> bool:
        """Always."""
        return isinstance(marks, frozenset)


@dataclass(slots=True, eq=False)
class _States:
    """Writes an array whose items depend on those before: a rule for each state."""

    rules: ArrayRules
    memory: _ItemMemory
    _known: dict[tuple[int, Marks], Reference] = field(default_factory=dict, init=False)
    _waiting: list[tuple[int, Marks]] = field(default_factory=list, init=False)

    def items(self) -> tuple[Node, bool]:
        """Items, and whether there may be none."""
        writer, start = self.rules.writer, self.memory.start
        items = choice(*self._items(0, start))
        while self._waiting:
            at, marks = self._waiting.pop()
            writer.builder.fill(self._known[at, marks], choice(*self._ways(at, marks)))
        return items, self._may_end(0, start)

    def _ways(self, at: int, marks: Marks) -> Iterator[Node]:
        if self._may_end(at, marks):
            yield _END
        for node in self._items(at, marks):
            yield sequence(self.rules.writer.comma, node)

    def _items(self, at: int, marks: Marks) -> Iterator[Node]:
        """One more item and all that may follow it."""
        most = self.rules.schema.most
        if most is None or at < most:
            after = min(at + 1, self.rules.places)
            for node, known in self.memory.steps(at, marks):
                if node != NEVER:
                    yield sequence(node, self._state(after, known))

    def _state(self, at: int, marks: Marks) -> Reference:
        if (at, marks) not in self._known:
            self._known[at, marks] = self.rules.writer.builder.reserve("rest")
            self._waiting.append((at, marks))
        return self._known[at, marks]

    def _may_end(self, at: int, marks: Marks) -> bool:
        return at >= self.rules.schema.least and self.memory.may_end(marks)


def _values_of(schema: Schema) -> list[Any] | None:
    """All values of *schema*; None where it is not made of known ones."""
    found: list[Any] = []
    for option in options_of(schema):
        match option:
            case Nothing():
                pass
            case Values(texts):
                found.extend(map(json.loads, texts))
            case Null():
                found.append(None)
            case Boolean():
                found.extend((False, True))
            case _:
                return None
    return found


def _number_in(values: dict[Hashable, Any], value: Any) -> int:
    """Number of *value* among *values*, to which it is added if it is new."""
    values.setdefault(key_of(value), value)
    return list(values).index(key_of(value))
