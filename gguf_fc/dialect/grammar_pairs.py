"""The grammar of arguments that are written one by one.

Keys come in the order in which the schema declares them, required and optional mixed as declared.
A string stands bare up to the text that closes it, so that text cannot be in it; every other value
is spelled as the syntax has it.  Knows nothing of what stands around the arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.kinds import ANY, Typed
from gguf_fc.dialect.syntax import Pair, Pairs, Slot
from gguf_fc.errors import GrammarError
from gguf_fc.gbnf import (
    Builder,
    CharClass,
    Literal,
    Loosened,
    Node,
    Reference,
    Repeat,
    Unlike,
    Until,
    choice,
    compile_raw,
    compile_schema,
    sequence,
)
from gguf_fc.gbnf.notation import Notation

_SCALARS = ("string", "number", "boolean", "null")
_STRUCTURES = ("array", "object")
_KEY_START = CharClass(((65, 90), (95, 95), (97, 122)))
_KEY_REST = CharClass(((45, 46), (48, 57), (65, 90), (95, 95), (97, 122)))


@dataclass(frozen=True, slots=True)
class Members:
    """What the arguments of a tool may be: at least one of them, or none."""

    some: Node | None  # None: the tool takes no argument
    may_be_none: bool


@dataclass(slots=True)
class PairsComposer:
    """Makes the rules of one syntax's pairs."""

    pairs: Pairs
    builder: Builder
    report: list[Loosened] = field(default_factory=list)

    def members(self, schema: Any, path: str) -> Members:
        """The arguments that *schema*, at *path*, admits."""
        schema = _sorted(schema) if self.pairs.ordered else schema
        return self._members(Typed.root(schema), path, self.pairs.separator)

    def _members(self, schema: Typed, path: str, separator: str) -> Members:
        listed = schema.listed()
        keys = listed.keys
        rows = [
            (
                self._member(key, listed.keys[key], f"{path}.properties.{key}"),
                key in listed.required,
            )
            for key in keys
        ]
        for keyword in listed.skipped:
            self.report.append(Loosened(path, keyword, "arguments are written one by one"))
        other = None if listed.closed else self._other(listed.others, tuple(keys), path)
        return self._ordered(rows, separator, other)

    def _ordered(
        self, rows: Sequence[tuple[Node, bool]], separator: str, other: Node | None
    ) -> Members:
        """The rows in this order, each there if it is required, and *other* ones behind them."""
        between = Literal(separator)
        rest: Node = Repeat(sequence(between, other)) if other else Literal("")
        starts: list[Node] = [sequence(other, rest)] if other else []
        for row, required in reversed(rows):
            begun = sequence(row, rest)
            starts = [begun] if required else [begun, *starts]
            following = sequence(between, row, rest)
            following = following if required else choice(following, rest)
            rest = self.builder.define("more", following)
        if not starts:
            return Members(None, may_be_none=True)
        needed = any(required for _, required in rows)
        return Members(self.builder.define("some", choice(*starts)), may_be_none=not needed)

    # One argument.

    def _member(self, key: str, schema: Typed, path: str) -> Node:
        return choice(
            *(
                sequence(Literal(form.before + key + form.between), value)
                for form, value in self._values(key, schema, path)
            )
        )

    def _other(self, schema: Typed, keys: tuple[str, ...], path: str) -> Node:
        """An argument that the schema does not list, under none of the listed *keys*."""
        path = f"{path}.additionalProperties"
        unlike = tuple(tuple(key[1:]) for key in keys if key)
        rest = Unlike(unlike, _KEY_REST, choice()) if unlike else Repeat(_KEY_REST)
        name = sequence(_KEY_START, rest)
        if any(isinstance(part, Slot) for form in self.pairs.forms for part in form.after):
            self.report.append(Loosened(path, "schema", "a key is repeated behind its value"))
        return choice(
            *(
                sequence(Literal(form.before), name, Literal(form.between), value)
                for form, value in self._values(None, schema, path)
            )
        )

    def _closed(self, closing: str, form: Pair, key: str | None) -> list[Node]:
        """*closing* and what stands behind the text that closes a value; None: of any key."""
        if key is not None:
            return [Literal(closing + form.after_key(key)[len(form.closing) :])]
        any_key = sequence(_KEY_START, Repeat(_KEY_REST))
        rest = form.after[1:] if form.closing else form.after
        return [
            Literal(closing),
            *(Literal(part) if isinstance(part, str) else any_key for part in rest),
        ]

    def _values(self, key: str | None, schema: Typed, path: str) -> list[tuple[Pair, Node]]:
        """The ways to write a value of *schema*, each with what stands after the value."""
        pairs, kinds = self.pairs, schema.kinds()
        if pairs.item is not None:
            return [(pairs.text, self._nested(key, schema, path))]
        found: list[tuple[Pair, Node]] = []
        texts = "string" in kinds and not pairs.quoted
        if texts:
            found = [(form, self._text(form, key, schema, path)) for form in self._text_forms()]
        if not texts or pairs.text != pairs.other:
            others = kinds - {"string"} if not pairs.quoted else kinds
            node = self._spelled(schema, others, path)
            if node is not None:
                closed = self._closed(pairs.other.closing, pairs.other, key)
                found.append((pairs.other, sequence(node, *closed)))
        elif kinds not in ({"string"}, ANY) and schema.restricted():
            # A bare text may be any other value as well; what it spells is read by the schema.
            self.report.append(Loosened(path, "type", "a bare text is also any other value"))
        return found

    def _text_forms(self) -> list[Pair]:
        guarded = self.pairs.guarded
        return [self.pairs.text, guarded] if guarded else [self.pairs.text]

    def _text(self, form: Pair, key: str | None, schema: Typed, path: str) -> Node:
        """A bare string and what closes it."""
        marker = form.closing.strip() or form.closing
        layout = form.closing[: form.closing.index(marker)]
        if schema.kinds() == {"string"} and schema.restricted():
            node, loosened = compile_raw(
                schema.schema, self.builder, stops=(marker,), path=path, document=schema.document
            )
            self.report.extend(loosened)
            if node is not None:
                return sequence(node, *self._closed(form.closing, form, key))
        end = form.closing[len(layout) + len(marker) :]
        return sequence(Until((layout + marker,)), *self._closed(end, form, key))

    def _spelled(self, schema: Typed, kinds: frozenset[str], path: str) -> Node | None:
        """A value of one of *kinds*, as the syntax spells it."""
        pairs = self.pairs
        scalars = [kind for kind in _SCALARS if kind in kinds]
        structures = [kind for kind in _STRUCTURES if kind in kinds]
        if _alike(pairs.scalars, pairs.notation):
            scalars, structures = [], scalars + structures
        options = [
            self._compiled(schema, names, notation, path)
            for names, notation in ((scalars, pairs.scalars), (structures, pairs.notation))
            if names
        ]
        return choice(*options) if options else None

    def _compiled(self, schema: Typed, kinds: list[str], notation: Notation, path: str) -> Node:
        only = (
            {"allOf": [schema.schema, {"type": kinds}]}
            if schema.schema is not None
            else {"type": kinds}
        )
        try:
            node, loosened = compile_schema(
                only, self.builder, spacing=notation, path=path, document=schema.document
            )
        except GrammarError as error:
            node, loosened = compile_schema(
                {"type": kinds}, self.builder, spacing=notation, path=path
            )
            loosened = (*loosened, Loosened(path, "schema", error.message))
        self.report.extend(loosened)
        return node

    # Pairs within pairs.

    def _nested(self, key: str | None, schema: Typed, path: str) -> Node:
        """A value and what closes it: a bare scalar, a list of items, or an object's members."""
        form, kinds = self.pairs.text, schema.kinds()
        if key is not None:
            form = Pair(form.before, form.between, (form.after_key(key),))
        if kinds == ANY or "string" in kinds:
            return self._text(form, key, schema, path)
        options: list[Node] = []
        if scalars := kinds & set(_SCALARS):
            options.append(self._compiled(schema, sorted(scalars), self.pairs.scalars, path))
        if "array" in kinds:
            options.append(self._items(schema, path))
        if "object" in kinds:
            options.append(self._object(schema, path))
        return sequence(choice(*options), *self._closed(form.closing, form, key))

    def _items(self, schema: Typed, path: str) -> Node:
        assert self.pairs.item is not None
        name, item = self.pairs.item, schema.items()
        least, most, skipped = schema.counts()
        for keyword in skipped:
            self.report.append(Loosened(path, keyword, "items are written one by one"))
        one = self._once("item", item, lambda: self._member(name, item, f"{path}.items"))
        return Repeat(one, least, most)

    def _object(self, schema: Typed, path: str) -> Node:
        def made() -> Node:
            members = self._members(schema, path, "")
            some = members.some or Literal("")
            return choice(some, Literal("")) if members.may_be_none else some

        return self._once("object", schema, made)

    def _once(self, hint: str, schema: Typed, make: Any) -> Reference:
        # A recursive schema comes back to itself: the rule is then the one that is being made.
        return self.builder.once((hint, id(schema.schema), id(self)), hint, make)


def _sorted(schema: Any) -> Any:
    """*schema* with the properties of every object in alphabetical order."""
    if isinstance(schema, list):
        return [_sorted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _sorted(value[name]) for name in sorted(value)}
        if key == "properties" and isinstance(value, dict)
        else _sorted(value)
        for key, value in schema.items()
    }


def _alike(one: Notation, other: Notation) -> bool:
    """Whether scalars are spelled the same in both."""
    return (one.true, one.false, one.null, one.quote) == (
        other.true,
        other.false,
        other.null,
        other.quote,
    )
