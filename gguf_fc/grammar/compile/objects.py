"""The rules of an object.

Its members come in the order in which the schema declares them, required and optional mixed as
declared, and other members after them.  Inside the outermost object, a few optional ones in a row
come in any order: real calls follow the declaration at the top and less so below, and a model that
writes members in its own order would lose those it has passed.

Theory of operation.  An object's first member may be any optional one before the first required
one, or that one; after a member, each later one is there or not.  So every property gets one rule
"this and what may follow", and the rules of an object grow linearly with its properties.  Those in
any order have one for each set of them that may still come.  Where members have to be counted there
is one such rule for each property and count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from gguf_fc.grammar.rules import (
    Choice,
    Literal,
    Node,
    Reference,
    Repeat,
    choice,
    optional,
    sequence,
)
from gguf_fc.grammar.schema.intersect_objects import outside
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import step
from gguf_fc.grammar.schema.tree import ANYTHING, NOTHING, Object, Schema
from gguf_fc.grammar.values.json_text import JsonText
from gguf_fc.grammar.values.strings import StringBound

_NEVER: Node = Choice(())
_NOTHING_MORE: Node = Literal("")
_MAX_LETTERS = 20_000  # of the names that other members must not have
_MAX_COUNTED = 600  # rules that counting members may take
_MAX_FREE = 5  # optional members in a row that may come in any order


class Writer(Protocol):
    """What writes the schemas inside an array or an object."""

    text: JsonText
    reader: SchemaReader

    def write(self, schema: Schema, path: str) -> Node:
        """The rule of *schema*."""

    def define(self, path: str, node: Node) -> Reference:
        """A rule of its own for *node*."""

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Note that *keyword* is not enforced."""


@dataclass(slots=True, eq=False)
class ObjectRules:
    """Writes one object."""

    writer: Writer
    schema: Object
    path: str
    ordered: bool  # members come as declared, optional ones too
    _members: list[tuple[Node, bool]] = field(init=False)  # each with whether it is required
    _other: Node = field(init=False)
    _free: dict[tuple[Node, ...], Node] = field(default_factory=dict, init=False)

    def write(self) -> Node:
        """The rule of the object."""
        schema, text = self.schema, self.writer.text
        inside = step(self.path, "properties")
        self._members = [
            (self._member(text.key(p.name), p.schema, step(inside, p.name)), p.required)
            for p in schema.properties
            if p.schema != NOTHING or p.required
        ]
        self._other = choice(*self._others())
        least, most = self._counts()
        if not self._members:
            most = 0 if self._other == _NEVER else most
            least = max(least, int(schema.more))
            return text.braced(*text.listed(self._other, least, most))
        if most is None and least <= 1:
            some, empty = self._uncounted()
        else:
            some, empty = _Counted(self, self._members, self._other, least, most).write()
        return text.braced(some, empty and least == 0)

    # The members beyond the properties.

    def _others(self) -> Iterator[Node]:
        names = tuple(p.name for p in self.schema.properties)
        for region in self.schema.regions:
            barred = tuple(name for name in names if region.names.accepts(name))
            bound = replace(region.names, excluded=(*region.names.excluded, *barred))
            if region.schema != NOTHING and not bound.is_empty:
                path = step(self.path, "patternProperties")
                yield self._member(self._key(bound), region.schema, path)
        extra = ANYTHING if self.schema.extra is None else self.schema.extra
        if extra != NOTHING:
            key = self._extra_key(names)
            yield self._member(key, extra, step(self.path, "additionalProperties"))

    def _extra_key(self, names: tuple[str, ...]) -> Node:
        if sum(map(len, names)) > _MAX_LETTERS:
            reason = "too many names: another member may have the name of a declared one"
            self.writer.loosen(self.path, "additionalProperties", reason)
            names = ()
        regions = (region.names for region in self.schema.regions)
        free = outside(StringBound(excluded=names), regions)
        return choice(*map(self._key, free))

    def _key(self, bound: StringBound) -> Node:
        """The keys within *bound*."""
        node, left = self.writer.text.key_in(bound)
        for _, reason in left:
            self.writer.loosen(self.path, "patternProperties", reason)
        return node

    def _member(self, key: Node, schema: Schema, path: str) -> Node:
        return sequence(key, self.writer.text.colon, self.writer.write(schema, path))

    # All of them.

    def _counts(self) -> tuple[int, int | None]:
        """How many members there must and may be, beyond what follows anyway."""
        schema, known = self.schema, len(self._members)
        required = sum(needed for _, needed in self._members)
        least = 0 if schema.least <= required else schema.least
        most = schema.most
        if most is not None and self._other == _NEVER and most >= known:
            most = None
        cap = most if most is not None else least
        if self._members and cap > 1 and known * cap > _MAX_COUNTED:
            keyword = "minProperties" if most is None else "maxProperties"
            self.writer.loosen(self.path, keyword, "there are too many members to count")
            return min(least, 1), None
        if self._other != _NEVER and least > 1:
            self.writer.loosen(self.path, "minProperties", "another member may come twice")
        if schema.more and self._members and (most is not None or least > 1):
            self.writer.loosen(self.path, "not", "members are counted, and one must be another")
        return least, most

    def _uncounted(self) -> tuple[Node, bool]:
        """The members, then other ones; and may there be none."""
        comma, other = self.writer.text.comma, self._other
        others: Node = _NOTHING_MORE
        if other != _NEVER:
            others = Repeat(sequence(comma, other), int(self.schema.more))
        runs = list(self._runs())
        lead = next((at for at, (_, needed) in enumerate(runs) if needed), None)
        # What begins an object, and what may follow, from the last member back.
        starts: list[Node] = []
        tail: Node = others
        if lead is not None:
            (first,), _ = runs[lead]
            later = (
                sequence(comma, *run) if needed else self._freely(run)
                for run, needed in runs[lead + 1 :]
            )
            tail = sequence(*later, others)
            starts.append(sequence(first, tail))
            tail = sequence(comma, first, tail)
        elif other != _NEVER:
            starts.append(sequence(other, Repeat(sequence(comma, other))))
        for run, _ in reversed(runs[:lead]):
            following = tail if tail == _NOTHING_MORE else self._define("rest", tail)
            for at, node in reversed(list(enumerate(run))):
                rest = self._freely((*run[:at], *run[at + 1 :]))
                starts.append(sequence(node, rest, following))
            tail = sequence(self._freely(run), following)
        return choice(*reversed(starts)), lead is None and not self.schema.more

    def _runs(self) -> Iterator[tuple[tuple[Node, ...], bool]]:
        """The members, few optional ones in a row together; and whether each is required."""
        for needed, run in groupby(self._members, key=itemgetter(1)):
            nodes = [node for node, _ in run]
            if needed:
                yield from (((node,), True) for node in nodes)
                continue
            named = tuple(self._define("member", node) for node in nodes)
            if len(named) <= _MAX_FREE and not self.ordered:
                yield named, False
            else:
                yield from (((node,), False) for node in named)

    def _freely(self, run: tuple[Node, ...]) -> Node:
        """Any of *run*, in any order, each behind a comma."""
        comma = self.writer.text.comma
        if len(run) <= 1:
            return optional(sequence(comma, *run)) if run else _NOTHING_MORE
        if run not in self._free:
            ways = (
                sequence(comma, node, self._freely((*run[:at], *run[at + 1 :])))
                for at, node in enumerate(run)
            )
            self._free[run] = self._define("rest", optional(choice(*ways)))
        return self._free[run]

    def _define(self, part: str, node: Node) -> Reference:
        return self.writer.define(f"{self.path}.{part}", node)


@dataclass(slots=True, eq=False)
class _Counted:
    """Members of which there are so many.

    A state is how many properties are behind and how many members there have been; counts beyond
    what matters are one count.
    """

    rules: ObjectRules
    members: list[tuple[Node, bool]]
    other: Node
    least: int
    most: int | None
    _known: dict[tuple[int, int], Reference] = field(default_factory=dict, init=False)
    _waiting: list[tuple[int, int]] = field(default_factory=list, init=False)

    def write(self) -> tuple[Node, bool]:
        """All ways to write the members, and whether there may be none."""
        writer = self.rules.writer
        self.members = [
            (writer.define(f"{self.rules.path}.member", node), needed)
            for node, needed in self.members
        ]
        starts = choice(*self._starts())
        while self._waiting:
            at, count = self._waiting.pop()
            writer.text.builder.fill(self._known[at, count], choice(*self._ways(at, count)))
        return starts, not any(needed for _, needed in self.members)

    def _starts(self) -> Iterator[Node]:
        after = self._count(0)
        if after is None:
            return
        for at, (node, needed) in enumerate(self.members):
            yield sequence(node, self._from(at + 1, after))
            if needed:
                return
        if self.other != _NEVER:
            yield sequence(self.other, self._from(len(self.members), after))

    def _count(self, count: int) -> int | None:
        """The count after one more member; None where there may be none."""
        if self.most is not None:
            return count + 1 if count < self.most else None
        return min(count + 1, self.least)

    def _from(self, at: int, count: int) -> Reference:
        """What may follow, the first *at* properties being behind."""
        if (at, count) not in self._known:
            self._known[at, count] = self.rules.writer.text.builder.reserve("rest")
            self._waiting.append((at, count))
        return self._known[at, count]

    def _ways(self, at: int, count: int) -> Iterator[Node]:
        comma, after = self.rules.writer.text.comma, self._count(count)
        if at < len(self.members):
            node, needed = self.members[at]
            if after is not None:
                yield sequence(comma, node, self._from(at + 1, after))
            if not needed:
                yield self._from(at + 1, count)
            return
        if count >= self.least:
            yield _NOTHING_MORE
        if after is not None and self.other != _NEVER:
            yield sequence(comma, self.other, self._from(at, after))
