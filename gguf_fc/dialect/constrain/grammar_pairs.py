"""The grammar of arguments that are written one by one.

They are compiled from the tree of the tool's schema by the rules of objects, as JSON is; only keys,
values and what stands around them are written otherwise.  Knows nothing of what stands around the
arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.constrain.nested_pairs import NestedPairs
from gguf_fc.dialect.constrain.pair_values import PairValues
from gguf_fc.dialect.constrain.schema_rules import ANY_OBJECT
from gguf_fc.dialect.syntax import Pairs, Placeholder
from gguf_fc.dialect.write import write_key
from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    Choice,
    Literal,
    Loosened,
    Node,
    Reference,
    Token,
    choice,
    sequence,
)
from gguf_fc.grammar.compile.objects import ObjectRules
from gguf_fc.grammar.rules import NEVER
from gguf_fc.grammar.schema.json_types import objects_of
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.refs import Document
from gguf_fc.grammar.schema.tree import Object, Schema
from gguf_fc.grammar.values.strings import StringBound


@dataclass(frozen=True, slots=True)
class Members:
    """Arguments of a tool: at least one of them, or none."""

    some: Node | None  # None: the tool takes no argument
    may_be_none: bool


@dataclass(slots=True)
class PairsComposer:
    """Makes the rules of one syntax's pairs; *closings* are texts that follow the last of them."""

    pairs: Pairs
    builder: Builder
    report: list[Loosened] = field(default_factory=list)
    closings: tuple[str, ...] = ()
    any_order: bool = False  # of arguments, and of members inside them

    def members(self, schema: Any, path: str) -> Members:
        """The arguments that *schema*, at *path*, admits; any if it cannot be compiled."""
        try:
            return self._members(schema, path, closed=True)
        except (GrammarError, RecursionError) as error:
            reason = (
                error.message
                if isinstance(error, GrammarError)
                else "the schema is nested too deeply"
            )
            self.report.append(Loosened(path, "schema", reason))
            return self._members(ANY_OBJECT, path, closed=False)

    def _members(self, schema: Any, path: str, *, closed: bool) -> Members:
        reader = SchemaReader(Document(schema, path), closed)
        tree = reader.read_root(schema, path)
        values = PairValues(
            self.pairs, self.builder, reader, self._following, any_order=self.any_order
        )
        writer = ArgumentWriter.of(self.pairs, values)
        rules = [
            ObjectRules(writer, option, path, ordered=True).members()
            for option in reader.held_options(objects_of(reader.meeting.resolved, tree))
            if isinstance(option, Object)
        ]
        writer.finish()
        self.report.extend(reader.report)
        may_be_none = any(empty for _, empty in rules)
        some = choice(*(members for members, _ in rules if members != Literal("")))
        if some == NEVER and may_be_none:
            return Members(None, may_be_none=True)
        return Members(self.builder.define("some", some), may_be_none)

    @property
    def _following(self) -> str:
        """The characters with which what follows a pair begins."""
        texts = (self.pairs.separator, self.pairs.text.before, *self.closings)
        return "".join(dict.fromkeys(text.strip()[:1] for text in texts))


@dataclass(slots=True, eq=False)
class ArgumentWriter:
    """Notation of the arguments themselves, for the rules of objects."""

    pairs: Pairs
    values: PairValues
    nested: NestedPairs | None  # None: lists and objects are spelled in a notation

    @classmethod
    def of(cls, pairs: Pairs, values: PairValues) -> ArgumentWriter:
        """The writer of one tool's arguments, of which *values* writes the values."""
        if pairs.item is None:
            return cls(pairs, values, None)
        nested = NestedPairs(
            builder=values.builder,
            reader=values.reader,
            alphabetical=pairs.ordered,
            any_order=values.any_order,
            pairs=pairs,
            values=values,
        )
        return cls(pairs, values, nested)

    @property
    def alphabetical(self) -> bool:
        """True if keys stand in alphabetical order."""
        return self.pairs.ordered

    @property
    def any_order(self) -> bool:
        """True if arguments may come in any order."""
        return self.values.any_order

    @property
    def builder(self) -> Builder:
        """Collector of all rules of the grammar."""
        return self.values.builder

    @property
    def reader(self) -> SchemaReader:
        """Reader of the schema."""
        return self.values.reader

    def behind(self, node: Node, rule: Reference | None = None) -> Node:
        """Argument *node* behind another one.

        In one piece with the separator: that may begin like what follows the last argument, and a
        lexer that takes the longest piece could not go back.
        """
        if not self.pairs.separator:
            return rule or node
        options = node.options if isinstance(node, Choice) else (node,)
        return choice(*(_in_front(Literal(self.pairs.separator), option) for option in options))

    def member(self, name: str, schema: Schema, path: str) -> Node:
        """Argument of that name."""
        forms = (self.nested or self.values).forms(name, schema, path)
        written = write_key(self.pairs, name)
        key: Node = Literal(written)
        quoted = self.pairs.notation.string(name) if self.pairs.either_key else None
        if quoted is not None and quoted != written:
            key = choice(key, Literal(quoted))
        return choice(*(value.pair(key) for value in forms))

    def other_member(self, names: StringBound, schema: Schema, path: str) -> Node:
        """Argument that the schema does not list."""
        if any(isinstance(part, Placeholder) for form in self.pairs.forms for part in form.after):
            self.loosen(path, "schema", "a key is repeated behind its value")
        forms = (self.nested or self.values).forms(None, schema, path)
        key = self.values.key_within(names, path)
        return choice(*(value.pair(key) for value in forms))

    def define(self, path: str, node: Node) -> Reference:
        """Store *node* as a rule of its own."""
        return self.builder.define(path.rpartition(".")[2], node)

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Report that *keyword* is not enforced."""
        self.reader.loosen(path, keyword, reason)

    def finish(self) -> None:
        """Write the definitions that were referred to."""
        if self.nested is not None:
            self.nested.finish()
        self.values.finish()


def _in_front(text: Literal, node: Node) -> Node:
    """*text* and *node*, in one piece where *node* is."""
    if isinstance(node, Token):
        return Token(sequence(text, node.item))
    return sequence(text, node)
