"""JSON Schema to rules.

The text of a schema becomes a tree (``schema/read``), the tree becomes rules, here: one rule for
each array and object, written once however often it occurs.  What no rule can hold is reported at
the place where it first occurs.

Ladder: what is too large is left out by itself, a keyword before a property and a property before
an object; and when there are too many rules, the rest of the schema allows any value of its type.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.compile.arrays import ArrayRules
from gguf_fc.grammar.compile.numbers import number_rule
from gguf_fc.grammar.compile.objects import ObjectRules
from gguf_fc.grammar.rules import NEVER, Builder, Node, Reference, choice, sequence
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from gguf_fc.grammar.schema.tree import (
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
from gguf_fc.grammar.values.json_text import JsonText
from gguf_fc.grammar.values.notation import Notation
from gguf_fc.grammar.values.spacing import Spacing
from gguf_fc.grammar.values.strings import StringBound

_MAX_RULES = 6_000  # for one schema

Scalar = Null | Boolean | Number | String


def compile_schema(
    schema: Any,
    builder: Builder,
    *,
    spacing: Spacing | Notation | None,
    closed: bool = False,
    any_order: bool = False,
    path: str = "$",
) -> tuple[Node, tuple[Loosened, ...]]:
    """The rule of the JSON texts valid under *schema*, and what it lets through beyond that.

    *closed*: the value is of a type that the schema says something of, and objects at every depth
    have no members but the declared ones, unless the schema speaks of others.
    *any_order*: members come in any order where there are few.  *path* is where *schema* stands,
    for errors and the report.
    """
    reader = SchemaReader(Document(schema, path), closed)
    text = JsonText(builder, spacing)
    writer = JsonWriter(builder=builder, reader=reader, root=path, any_order=any_order, text=text)
    try:
        node = writer.write(reader.read_root(schema, path), path)
        writer.finish()
    except RecursionError as error:
        raise GrammarError(f"{path}: the schema is nested too deeply") from error
    return node, tuple(reader.report)


@dataclass(slots=True, eq=False, kw_only=True)
class TreeWriter(ABC):
    """Writer of a schema tree's rules.

    Definitions, unions and limits are the same in every notation; subclasses say how values are
    spelled and what stands around those inside others.
    """

    builder: Builder
    reader: SchemaReader
    root: str | None = None  # path of the outermost object; None: it is around the schema
    alphabetical: bool = False
    any_order: bool = False
    _references: dict[str, Reference] = field(default_factory=dict, init=False)
    _waiting: list[Ref] = field(default_factory=list, init=False)
    _written: dict[tuple[Kind, bool], Node] = field(default_factory=dict, init=False)
    _before: int = field(init=False)  # rules that are not of this schema

    def __post_init__(self) -> None:
        self._before = len(self.builder)

    # The notation.

    @property
    @abstractmethod
    def comma(self) -> Node:
        """Separator of two members or items."""

    @property
    @abstractmethod
    def anything(self) -> Node:
        """Any value."""

    @abstractmethod
    def free(self, kind: Array | Object) -> Node:
        """Any array, or any object."""

    @abstractmethod
    def known(self, value: Any) -> Node:
        """Exactly this value."""

    @abstractmethod
    def scalar(self, kind: Scalar, path: str) -> Node:
        """Value that holds no others."""

    @abstractmethod
    def member(self, name: str, schema: Schema, path: str) -> Node:
        """Member of that name."""

    @abstractmethod
    def other_member(self, names: StringBound, schema: Schema, path: str) -> Node:
        """Member of any name within *names*."""

    def behind(self, node: Node, rule: Reference | None = None) -> Node:
        """Member *node*, or its own *rule*, behind another one."""
        return sequence(self.comma, rule or node)

    @abstractmethod
    def item(self, schema: Schema, path: str) -> Node:
        """Item of an array."""

    @abstractmethod
    def braced(self, members: Node, *, empty: bool) -> Node:
        """Object around its *members*; if *empty*, there may be none."""

    @abstractmethod
    def bracketed(self, items: Node, *, empty: bool) -> Node:
        """Array around its *items*; if *empty*, there may be none."""

    # What is common to all.

    def write(self, schema: Schema, path: str) -> Node:
        """Rule of *schema*; *path* names it and places what is reported."""
        match schema:
            case Anything():
                return self.anything
            case Nothing():
                return NEVER
            case Values(texts):
                return choice(*(self.known(json.loads(text)) for text in texts))
            case AnyOf(options):
                held = self.reader.held_options(options)
                return choice(*(self.write(option, path) for option in held))
            case Ref():
                return self._reference(schema)
            case Array() | Object():
                return self._compound(schema, path)
            case _:
                return self.scalar(schema, path)

    def finish(self) -> None:
        """Write the definitions that were referred to, and those these refer to."""
        while self._waiting:
            ref = self._waiting.pop()
            node = self.write(self.reader.definition(ref), ref.key)
            self.builder.fill(self._references[ref.key], node)

    def define(self, path: str, node: Node) -> Reference:
        """Rule of its own for *node*, named after the end of *path*."""
        return self.builder.define(_hint(path), node)

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Report that *keyword* is not enforced."""
        self.reader.loosen(path, keyword, reason)

    def is_full(self, path: str) -> bool:
        """True if there are so many rules that the rest of the schema has to do without."""
        full = len(self.builder) - self._before > _MAX_RULES
        if full:
            self.loosen(path, "", f"the schema needs more than {_MAX_RULES} rules")
        return full

    def _reference(self, ref: Ref) -> Node:
        if ref.key not in self._references:
            self._references[ref.key] = self.builder.reserve(_hint(ref.key))
            self._waiting.append(ref)
        return self._references[ref.key]

    def _compound(self, kind: Array | Object, path: str) -> Node:
        if kind in (Array(), Object()):
            return self.free(kind)
        key = (kind, path == self.root)
        if key not in self._written:
            if self.is_full(path):
                return self.free(kind)
            self._written[key] = self.define(path, self.compound(kind, path))
        return self._written[key]

    def compound(self, kind: Array | Object, path: str) -> Node:
        """Rules of an array or an object, by its items or members."""
        if isinstance(kind, Array):
            items, empty = ArrayRules(self, kind, path).items()
            return self.bracketed(items, empty=empty)
        members, empty = ObjectRules(self, kind, path, ordered=path == self.root).members()
        return self.braced(members, empty=empty)


@dataclass(slots=True, eq=False, kw_only=True)
class JsonWriter(TreeWriter):
    """Writer of JSON, or of a notation that differs from it in its spelling only."""

    text: JsonText

    @property
    def comma(self) -> Node:
        """Separator of two members or items."""
        return self.text.comma

    @property
    def anything(self) -> Node:
        """Any value."""
        return self.text.value

    def free(self, kind: Array | Object) -> Node:
        """Any array, or any object."""
        return self.text.array if isinstance(kind, Array) else self.text.object

    def known(self, value: Any) -> Node:
        """Exactly this value."""
        return self.text.exactly(value)

    def scalar(self, kind: Scalar, path: str) -> Node:
        """Value that holds no others."""
        match kind:
            case Null():
                return self.text.null
            case Boolean():
                return self.text.boolean
            case Number():
                return self._number(kind, path)
            case String(bound):
                return self._string(bound, path)

    def member(self, name: str, schema: Schema, path: str) -> Node:
        """Key, colon and value."""
        return sequence(self.text.strings.key(name), self.text.colon, self.write(schema, path))

    def other_member(self, names: StringBound, schema: Schema, path: str) -> Node:
        """Member of any name within *names*."""
        key, left = self.text.strings.key_within(names)
        for _, reason in left:
            self.loosen(path.rpartition(".")[0], "patternProperties", reason)
        return sequence(key, self.text.colon, self.write(schema, path))

    def item(self, schema: Schema, path: str) -> Node:
        """Item of an array: its value."""
        return self.write(schema, path)

    def braced(self, members: Node, *, empty: bool) -> Node:
        """Object around its *members*; if *empty*, there may be none."""
        return self.text.braced(members, empty=empty)

    def bracketed(self, items: Node, *, empty: bool) -> Node:
        """Array around its *items*; if *empty*, there may be none."""
        return self.text.bracketed(items, empty=empty)

    def _number(self, kind: Number, path: str) -> Node:
        if kind == Number(integer=True):
            return self.text.integer
        if kind.multiple is not None and self.is_full(path):
            kind = replace(kind, multiple=None)
        return number_rule(self.text, kind, partial(self.loosen, path))

    def _string(self, bound: StringBound, path: str) -> Node:
        if not bound.is_free and self.is_full(path):
            return self.text.strings.any
        node, left = self.text.strings.within(bound)
        for keyword, reason in left:
            self.loosen(path, keyword, reason)
        return node


def _hint(path: str) -> str:
    """A readable rule name: the last step of *path*."""
    return path.rstrip("]'").rpartition(".")[2].rpartition("[")[2].strip("'") or "schema"
