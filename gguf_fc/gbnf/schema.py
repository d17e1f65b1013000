"""JSON Schema to rules.

The text of a schema becomes a tree (``schema_read``), the tree becomes rules, here.  The members
of an object come in the order in which the schema declares them, required and optional mixed as
declared, and other members after them.

Theory of operation.  An object's first member may be any optional one before the first required
one, or that one; after a member, each later one is there or not.  So every property gets one rule
"this and what may follow", and the rules of an object grow linearly with its properties.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf.json_text import JsonText
from gguf_fc.gbnf.notation import Notation
from gguf_fc.gbnf.numeric import Bound, integer_range, number_range
from gguf_fc.gbnf.rules import (
    Builder,
    Choice,
    Literal,
    Node,
    Reference,
    Repeat,
    Token,
    choice,
    optional,
    sequence,
)
from gguf_fc.gbnf.schema_read import SchemaReader
from gguf_fc.gbnf.schema_refs import Document, step
from gguf_fc.gbnf.schema_tree import (
    ANYTHING,
    NOTHING,
    AnyOf,
    Anything,
    Array,
    Boolean,
    Kind,
    Loosened,
    Nothing,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    String,
    Values,
)
from gguf_fc.gbnf.spacing import Spacing
from gguf_fc.gbnf.strings import StringBound

_NEVER: Node = Choice(())
_MAX_LETTERS = 20_000  # of the names that other members must not have
_NESTED = 8  # items of a prefix after which a rule of its own begins


def compile_schema(
    schema: Any,
    builder: Builder,
    *,
    spacing: Spacing | Notation | None,
    closed: bool = False,
    path: str = "$",
    document: Any = None,
) -> tuple[Node, tuple[Loosened, ...]]:
    """The rule of the JSON texts valid under *schema*, and what it lets through beyond that.

    *closed* reads an absent ``additionalProperties`` as false wherever ``properties`` are listed.
    *path* is where *schema* stands, for errors and the report.  *document* is where references
    lead to, if that is more than *schema*.
    """
    reader = SchemaReader(Document(schema if document is None else document, path))
    writer = _Writer(JsonText(builder, spacing), reader, closed)
    try:
        node = writer.write(reader.read(schema, path), path)
        writer.finish()
    except RecursionError as error:
        raise GrammarError(f"{path}: the schema is nested too deeply") from error
    return node, tuple(reader.report)


@dataclass(slots=True, eq=False)
class _Writer:
    """Writes the rules of one schema."""

    text: JsonText
    reader: SchemaReader
    closed: bool
    _rules: dict[str, Reference] = field(default_factory=dict, init=False)
    _waiting: list[Ref] = field(default_factory=list, init=False)

    def write(self, schema: Schema, path: str) -> Node:
        """The rule of *schema*; *path* names it and places what is reported."""
        match schema:
            case Anything():
                return self.text.value
            case Nothing():
                return _NEVER
            case Values(texts):
                return choice(*(self.text.exactly(json.loads(text)) for text in texts))
            case AnyOf(options):
                return choice(*(self.write(option, path) for option in options))
            case Ref():
                return self._reference(schema)
            case _:
                return self._kind(schema, path)

    def _kind(self, kind: Kind, path: str) -> Node:
        match kind:
            case Null():
                return self.text.null
            case Boolean():
                return self.text.boolean
            case Number():
                return self._number(kind)
            case String(0, None):
                return self.text.string
            case String(least, most):
                return self.text.string_of(least, most)
            case Array():
                simple = kind == Array()
                return self.text.array if simple else self._define(path, self._array(kind, path))
            case Object():
                simple = kind == Object()
                return self.text.object if simple else self._define(path, self._object(kind, path))

    def finish(self) -> None:
        """Write the definitions that were referred to, and those these refer to."""
        while self._waiting:
            ref = self._waiting.pop()
            self._fill(ref)

    def _fill(self, ref: Ref) -> None:
        node = self.write(self.reader.definition(ref), ref.key)
        self.text.builder.fill(self._rules[ref.key], node)

    def _reference(self, ref: Ref) -> Node:
        if ref.key not in self._rules:
            self._rules[ref.key] = self.text.builder.reserve(_hint(ref.key))
            self._waiting.append(ref)
        return self._rules[ref.key]

    def _define(self, path: str, node: Node) -> Node:
        return self.text.builder.define(_hint(path), node)

    def _number(self, number: Number) -> Node:
        if number.integer:
            return Token(integer_range(_ceiling(number.least), _floor(number.most)))
        if number == Number():
            return self.text.number
        return Token(number_range(number.least, number.most))

    def _array(self, array: Array, path: str) -> Node:
        rest = self.write(array.items, step(path, "items"))
        if not array.prefix:
            most = 0 if rest == _NEVER else array.most
            return self.text.bracketed(*self.text.listed(rest, array.least, most))
        width = len(array.prefix) if array.most is None else min(len(array.prefix), array.most)
        left = None if array.most is None else array.most - width
        after: Node = Repeat(sequence(self.text.comma, rest), max(0, array.least - width), left)
        # From the last position back: each item and, there or not, those after it.
        for at in range(width - 1, -1, -1):
            item = self.write(array.prefix[at], step(step(path, "prefixItems"), at))
            if at:
                after = sequence(self.text.comma, item, after)
                after = after if array.least > at else optional(after)
                after = after if at % _NESTED else self._define(f"{path}.rest", after)
            else:
                after = sequence(item, after)
        return self.text.bracketed(after, array.least == 0)

    def _object(self, schema: Object, path: str) -> Node:
        extra = schema.extra
        if extra is None:
            extra = NOTHING if self.closed and schema.listed else ANYTHING
        members = [
            (self._member(self.text.key(p.name), p.schema, step(path, p.name)), p.required)
            for p in schema.properties
            if p.schema != NOTHING or p.required
        ]
        other = _NEVER
        if extra != NOTHING:
            key = self._other_key([p.name for p in schema.properties], path)
            other = self._member(key, extra, step(path, "additionalProperties"))
        if not members:
            most = 0 if other == _NEVER else schema.most
            return self.text.braced(*self.text.listed(other, schema.least, most))
        self._check_counts(schema, len(members), path, open_ended=other != _NEVER)
        some, empty = self._members(members, other, path)
        return self.text.braced(some, empty and schema.least == 0)

    def _other_key(self, names: list[str], path: str) -> Node:
        if not names:
            return self.text.key_in(StringBound())[0]
        if sum(map(len, names)) > _MAX_LETTERS:
            reason = "too many names: another member may have the name of a declared one"
            self.reader.loosen(path, "additionalProperties", reason)
            return self.text.key_in(StringBound())[0]
        return self.text.key_in(StringBound(excluded=tuple(names)))[0]

    def _member(self, key: Node, schema: Schema, path: str) -> Node:
        return sequence(key, self.text.colon, self.write(schema, path))

    def _members(
        self, members: list[tuple[Node, bool]], other: Node, path: str
    ) -> tuple[Node, bool]:
        """*members*, each with whether it is required, then *other* ones; and may there be none."""
        comma = self.text.comma
        others = Literal("") if other == _NEVER else Repeat(sequence(comma, other))
        lead = next((at for at, (_, needed) in enumerate(members) if needed), len(members))
        # What begins an object, and what may follow, from the last member back.
        starts: list[Node] = []
        tail: Node = others
        if lead < len(members):
            later = (
                sequence(comma, node) if needed else optional(sequence(comma, node))
                for node, needed in members[lead + 1 :]
            )
            tail = sequence(*later, others)
            starts.append(sequence(members[lead][0], tail))
            tail = sequence(comma, members[lead][0], tail)
        elif other != _NEVER:
            starts.append(sequence(other, others))
        for node, _ in reversed(members[:lead]):
            following = tail if tail == Literal("") else self._define(f"{path}.rest", tail)
            member = self._define(f"{path}.member", node)
            starts.append(sequence(member, following))
            tail = sequence(optional(sequence(comma, member)), following)
        return choice(*reversed(starts)), lead == len(members)

    def _check_counts(self, schema: Object, known: int, path: str, *, open_ended: bool) -> None:
        """Report counts of members that the rules do not keep."""
        required = sum(p.required for p in schema.properties)
        if schema.least > max(1, required):
            self.reader.loosen(path, "minProperties", "not enforced beside named properties")
        if schema.most is not None and (open_ended or schema.most < known):
            self.reader.loosen(path, "maxProperties", "not enforced beside named properties")


def _hint(path: str) -> str:
    """A readable rule name: the last step of *path*."""
    return path.rstrip("]'").rpartition(".")[2].rpartition("[")[2].strip("'") or "schema"


def _ceiling(bound: Bound | None) -> int | None:
    if bound is None:
        return None
    whole = math.ceil(bound.value)
    return whole if bound.inclusive or whole != bound.value else whole + 1


def _floor(bound: Bound | None) -> int | None:
    if bound is None:
        return None
    whole = math.floor(bound.value)
    return whole if bound.inclusive or whole != bound.value else whole - 1
