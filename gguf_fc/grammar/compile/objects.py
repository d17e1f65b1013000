"""The rules of an object.

Its members come in the order in which the schema declares them, required and optional mixed as
declared, and other members after them.  Inside the outermost object, a few optional ones in a row
come in any order: real calls follow the declaration at the top and less so below, and a model that
writes members in its own order would lose those it has passed.  A writer may also ask for any order
of all members, which takes a rule for each set of them and so is had by small objects only.

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
from gguf_fc.grammar.schema.intersect_objects import outside
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.tree import ANYTHING, NOTHING, Object, Schema, step
from gguf_fc.grammar.values.strings import StringBound

_NOTHING_MORE: Node = Literal("")
_MAX_LETTERS = 20_000  # of the names that other members must not have
_MAX_COUNTED = 600  # rules that counting members may take
_MAX_FREE = 5  # optional members in a row that may come in any order
_MAX_IN_ANY_ORDER = 8  # members of an object where all may
_MAX_ORDER_RULES = 4_000  # of a grammar; beyond that, objects are in declared order again


class MemberWriter(Protocol):
    """Notation of members: their keys and values, and the punctuation around them.

    JSON is one such notation; pairs of key and value in tags, and keywords of a call, are others.
    """

    @property
    def alphabetical(self) -> bool:
        """True if members stand in alphabetical order, not in declared order."""

    @property
    def any_order(self) -> bool:
        """True if all members of an object may come in any order."""

    @property
    def builder(self) -> Builder:
        """Collector of all rules of the grammar."""

    @property
    def reader(self) -> SchemaReader:
        """Reader of the schema, whose algebra tells names apart."""

    def behind(self, node: Node, rule: Reference | None = None) -> Node:
        """Member *node* behind another one: their separator, then it or its own *rule*."""

    def member(self, name: str, schema: Schema, path: str) -> Node:
        """Member of that name whose value is valid under *schema*."""

    def other_member(self, names: StringBound, schema: Schema, path: str) -> Node:
        """Member of any name within *names*."""

    def define(self, path: str, node: Node) -> Reference:
        """Store *node* as a rule of its own."""

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Report that *keyword* is not enforced."""


@dataclass(slots=True, eq=False)
class ObjectRules:
    """Writer of one object's rules, in any notation."""

    writer: MemberWriter
    schema: Object
    path: str
    ordered: bool  # members come as declared, optional ones too
    _members: list[tuple[Node, bool]] = field(init=False)  # each with whether it is required
    _other: Node = field(init=False)
    _free: dict[tuple[Node, ...], Node] = field(default_factory=dict, init=False)
    _behind: dict[Node, Node] = field(default_factory=dict, init=False)  # by the rule of a member

    def __post_init__(self) -> None:
        self.schema = self.writer.reader.held_object(self.schema, self.path)

    def members(self) -> tuple[Node, bool]:
        """Members without what stands around them, and whether there may be none."""
        schema, writer = self.schema, self.writer
        inside = step(self.path, "properties")
        known = [p for p in schema.properties if p.schema != NOTHING or p.required]
        if writer.alphabetical:
            known.sort(key=lambda p: p.name)
        self._members = [
            (writer.member(p.name, p.schema, step(inside, p.name)), p.required) for p in known
        ]
        self._other = choice(*self._others())
        least, most = self._counts()
        if not self._members:
            most = 0 if self._other == NEVER else most
            least = max(least, int(schema.more))
            return repeated(self._other, self.behind(self._other), least, most)
        if most is None and least <= 1:
            some, empty = self._in_any_order() if self._fits_any_order else self._uncounted()
        else:
            some, empty = _Counted(self, self._members, self._other, least, most).write()
        return some, empty and least == 0

    # The members beyond the properties.

    def _others(self) -> Iterator[Node]:
        names = tuple(p.name for p in self.schema.properties)
        for region in self.schema.regions:
            barred = tuple(name for name in names if region.names.accepts(name))
            bound = replace(region.names, excluded=(*region.names.excluded, *barred))
            if region.schema != NOTHING and not bound.is_empty:
                path = step(self.path, "patternProperties")
                yield self.writer.other_member(bound, region.schema, path)
        extra = ANYTHING if self.schema.extra is None else self.schema.extra
        if extra != NOTHING:
            path = step(self.path, "additionalProperties")
            for bound in self._extra_names(names):
                yield self.writer.other_member(bound, extra, path)

    def _extra_names(self, names: tuple[str, ...]) -> tuple[StringBound, ...]:
        """Names that are neither among *names* nor in a region."""
        if sum(map(len, names)) > _MAX_LETTERS:
            reason = "too many names: another member may have the name of a declared one"
            self.writer.loosen(self.path, "additionalProperties", reason)
            names = ()
        free = StringBound(excluded=names)
        if not self.schema.regions:
            return (free,)
        return outside(free, (region.names for region in self.schema.regions))

    # All of them.

    def _counts(self) -> tuple[int, int | None]:
        """Bounds on the number of members, beyond what follows anyway."""
        schema, known = self.schema, len(self._members)
        required = sum(needed for _, needed in self._members)
        least = 0 if schema.least <= required else schema.least
        most = schema.most
        if most is not None and self._other == NEVER and most >= known:
            most = None
        cap = most if most is not None else least
        if self._members and cap > 1 and known * cap > _MAX_COUNTED:
            keyword = "minProperties" if most is None else "maxProperties"
            self.writer.loosen(self.path, keyword, "there are too many members to count")
            return min(least, 1), None
        if self._other != NEVER and least > 1:
            self.writer.loosen(self.path, "minProperties", "another member may come twice")
        if schema.more and self._members and (most is not None or least > 1):
            self.writer.loosen(self.path, "not", "members are counted, and one must be another")
        return least, most

    def _uncounted(self) -> tuple[Node, bool]:
        """The members, then other ones; and may there be none."""
        other, others = self._other, _NOTHING_MORE
        if other != NEVER:
            others = Repeat(self.behind(other), int(self.schema.more))
        runs = list(self._runs())
        lead = next((at for at, (_, needed) in enumerate(runs) if needed), None)
        # What begins an object, and what may follow, from the last member back.
        starts: list[Node] = []
        tail: Node = others
        if lead is not None:
            (first,), _ = runs[lead]
            later = (
                self.behind(run[0]) if needed else self._freely(run)
                for run, needed in runs[lead + 1 :]
            )
            tail = sequence(*later, others)
            starts.append(sequence(first, tail))
            tail = sequence(self.behind(first), tail)
        elif other != NEVER:
            starts.append(sequence(other, Repeat(self.behind(other))))
        for run, _ in reversed(runs[:lead]):
            following = tail if tail == _NOTHING_MORE else self._define("rest", tail)
            for at, node in reversed(list(enumerate(run))):
                rest = self._freely((*run[:at], *run[at + 1 :]))
                starts.append(sequence(node, rest, following))
            tail = sequence(self._freely(run), following)
        return choice(*reversed(starts)), lead is None and not self.schema.more

    @property
    def _fits_any_order(self) -> bool:
        """All members may come in any order, and there is room for the rules of that."""
        count, builder = len(self._members), self.writer.builder
        fits = self.writer.any_order and not self.schema.more and count <= _MAX_IN_ANY_ORDER
        return fits and len(builder) + 2**count <= _MAX_ORDER_RULES

    def _in_any_order(self) -> tuple[Node, bool]:
        """The members, other ones among them, in any order; and may there be none."""
        members = tuple((self.named(node), needed) for node, needed in self._members)
        other = NEVER if self._other == NEVER else self.named(self._other)
        ways = [
            sequence(node, self._rest_of((*members[:at], *members[at + 1 :]), other))
            for at, (node, _) in enumerate(members)
        ]
        if other != NEVER:
            ways.append(sequence(other, self._rest_of(members, other)))
        return choice(*ways), not any(needed for _, needed in members)

    def _rest_of(self, members: tuple[tuple[Node, bool], ...], other: Node) -> Node:
        """The rest of an object of which *members* have not come, each behind a comma."""
        key = tuple(node for node, _ in members)
        if key not in self._free:
            rule = self._free[key] = self.writer.builder.reserve("rest")
            ways = [
                sequence(
                    self.behind(node), self._rest_of((*members[:at], *members[at + 1 :]), other)
                )
                for at, (node, _) in enumerate(members)
            ]
            if other != NEVER:
                ways.append(sequence(self.behind(other), rule))
            if not any(needed for _, needed in members):
                ways.append(_NOTHING_MORE)
            self.writer.builder.fill(rule, choice(*ways))
        return self._free[key]

    def _runs(self) -> Iterator[tuple[tuple[Node, ...], bool]]:
        """The members, few optional ones in a row together; and whether each is required."""
        for needed, run in groupby(self._members, key=itemgetter(1)):
            nodes = [node for node, _ in run]
            if needed:
                yield from (((node,), True) for node in nodes)
                continue
            named = tuple(map(self.named, nodes))
            if len(named) <= _MAX_FREE and not self.ordered:
                yield named, False
            else:
                yield from (((node,), False) for node in named)

    def _freely(self, run: tuple[Node, ...]) -> Node:
        """Any of *run*, in any order, each behind a comma."""
        if len(run) <= 1:
            return optional(self.behind(run[0])) if run else _NOTHING_MORE
        if run not in self._free:
            ways = (
                sequence(self.behind(node), self._freely((*run[:at], *run[at + 1 :])))
                for at, node in enumerate(run)
            )
            self._free[run] = self._define("rest", optional(choice(*ways)))
        return self._free[run]

    def named(self, node: Node) -> Reference:
        """Rule of its own for a member."""
        rule = self._define("member", node)
        self._behind[rule] = self.writer.behind(node, rule)
        return rule

    def behind(self, node: Node) -> Node:
        """A member, or its rule, behind another one."""
        return self._behind.get(node) or self.writer.behind(node)

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
        self.members = [(self.rules.named(node), needed) for node, needed in self.members]
        starts = choice(*self._starts())
        while self._waiting:
            at, count = self._waiting.pop()
            writer.builder.fill(self._known[at, count], choice(*self._ways(at, count)))
        return starts, not any(needed for _, needed in self.members)

    def _starts(self) -> Iterator[Node]:
        after = self._count(0)
        if after is None:
            return
        for at, (node, needed) in enumerate(self.members):
            yield sequence(node, self._from(at + 1, after))
            if needed:
                return
        if self.other != NEVER:
            yield sequence(self.other, self._from(len(self.members), after))

    def _count(self, count: int) -> int | None:
        """The count after one more member; None where there may be none."""
        if self.most is not None:
            return count + 1 if count < self.most else None
        return min(count + 1, self.least)

    def _from(self, at: int, count: int) -> Reference:
        """Rule of what follows when the first *at* properties are behind."""
        if (at, count) not in self._known:
            self._known[at, count] = self.rules.writer.builder.reserve("rest")
            self._waiting.append((at, count))
        return self._known[at, count]

    def _ways(self, at: int, count: int) -> Iterator[Node]:
        after = self._count(count)
        if at < len(self.members):
            node, needed = self.members[at]
            if after is not None:
                yield sequence(self.rules.behind(node), self._from(at + 1, after))
            if not needed:
                yield self._from(at + 1, count)
            return
        if count >= self.least:
            yield _NOTHING_MORE
        if after is not None and self.other != NEVER:
            yield sequence(self.rules.behind(self.other), self._from(at, after))
