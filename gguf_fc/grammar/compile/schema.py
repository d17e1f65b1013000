"""JSON Schema to rules.

The text of a schema becomes a tree (``schema_read``), the tree becomes rules, here: one rule for
each array and object, written once however often it occurs.  What no rule can hold is reported at
the place where it first occurs.

Ladder: what is too large is left out by itself, a keyword before a property and a property before
an object; and when there are too many rules, the rest of the schema allows any value of its type.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.compile.arrays import ArrayRules
from gguf_fc.grammar.compile.numbers import number_rule
from gguf_fc.grammar.compile.objects import ObjectRules
from gguf_fc.grammar.rules import Builder, Choice, Node, Reference, choice
from gguf_fc.grammar.schema.close import close_root
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

_NEVER: Node = Choice(())
_MAX_RULES = 6_000  # for one schema


def compile_schema(  # noqa: PLR0913  keywords with defaults
    schema: Any,
    builder: Builder,
    *,
    spacing: Spacing | Notation | None,
    closed: bool = False,
    inside: bool = False,
    path: str = "$",
    document: Any = None,
) -> tuple[Node, tuple[Loosened, ...]]:
    """The rule of the JSON texts valid under *schema*, and what it lets through beyond that.

    *closed*: the value is of a type that the schema says something of, and has no members but the
    declared ones, unless the schema says that it may.  *inside*: it stands inside an object, where
    members are less strictly in declared order.  *path* is where *schema* stands, for errors
    and the report.  References lead into *document*, if that is more than *schema*.
    """
    reader = SchemaReader(Document(schema if document is None else document, path))
    writer = _Writer(JsonText(builder, spacing), reader, None if inside else path)
    try:
        tree = reader.read(schema, path)
        node = writer.write(close_root(reader.meeting, tree) if closed else tree, path)
        writer.finish()
    except RecursionError as error:
        raise GrammarError(f"{path}: the schema is nested too deeply") from error
    return node, tuple(reader.report)


@dataclass(slots=True, eq=False)
class _Writer:
    """Writes the rules of one schema."""

    text: JsonText
    reader: SchemaReader
    root: str | None  # where the outermost object stands; None: around the schema
    _references: dict[str, Reference] = field(default_factory=dict, init=False)
    _waiting: list[Ref] = field(default_factory=list, init=False)
    _written: dict[tuple[Kind, bool], Node] = field(default_factory=dict, init=False)
    _before: int = field(init=False)  # rules that are not of this schema

    def __post_init__(self) -> None:
        self._before = len(self.text.builder)

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
                if kind.multiple is not None and self._is_full(path):
                    kind = replace(kind, multiple=None)
                return number_rule(self.text, kind, partial(self.loosen, path))
            case String(bound):
                return self.string(bound, path)
            case Array():
                return self.text.array if kind == Array() else self._compound(kind, path)
            case Object():
                return self.text.object if kind == Object() else self._compound(kind, path)

    def finish(self) -> None:
        """Write the definitions that were referred to, and those these refer to."""
        while self._waiting:
            ref = self._waiting.pop()
            node = self.write(self.reader.definition(ref), ref.key)
            self.text.builder.fill(self._references[ref.key], node)

    def _reference(self, ref: Ref) -> Node:
        if ref.key not in self._references:
            self._references[ref.key] = self.text.builder.reserve(_hint(ref.key))
            self._waiting.append(ref)
        return self._references[ref.key]

    def _compound(self, kind: Array | Object, path: str) -> Node:
        key = (kind, path == self.root)
        if key not in self._written:
            if self._is_full(path):
                return self.text.array if isinstance(kind, Array) else self.text.object
            if isinstance(kind, Array):
                node = ArrayRules(self, kind, path).write()
            else:
                node = ObjectRules(self, kind, path, ordered=path == self.root).write()
            self._written[key] = self.define(path, node)
        return self._written[key]

    def _is_full(self, path: str) -> bool:
        """Whether there are so many rules that the rest of the schema has to do without."""
        full = len(self.text.builder) - self._before > _MAX_RULES
        if full:
            self.loosen(path, "", f"the schema needs more than {_MAX_RULES} rules")
        return full

    def define(self, path: str, node: Node) -> Reference:
        """A rule of its own for *node*, named after the end of *path*."""
        return self.text.builder.define(_hint(path), node)

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Note that *keyword* is not enforced."""
        self.reader.loosen(path, keyword, reason)

    def string(self, bound: StringBound, path: str) -> Node:
        """The strings within *bound*."""
        if not bound.is_free and self._is_full(path):
            return self.text.string
        node, left = self.text.string_in(bound)
        for keyword, reason in left:
            self.loosen(path, keyword, reason)
        return node


def _hint(path: str) -> str:
    """A readable rule name: the last step of *path*."""
    return path.rstrip("]'").rpartition(".")[2].rpartition("[")[2].strip("'") or "schema"
