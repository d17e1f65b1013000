"""The grammar of arguments that are written one by one.

Keys come in the order in which the schema declares them, required and optional mixed as declared;
inside an object, as in JSON, a few optional ones in a row come in any order.  A string stands bare
up to the text that closes it, so that text cannot be in it; every other value is spelled as the
syntax has it.  Knows nothing of what stands around the arguments.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from gguf_fc.dialect.kinds import ANY, Listed, Typed
from gguf_fc.dialect.syntax import Pair, Pairs, Slot
from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
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
    optional,
    sequence,
)
from gguf_fc.grammar.regex.charset import contains, difference, of, union
from gguf_fc.grammar.values.notation import Notation

_SCALARS = ("string", "number", "boolean", "null")
_STRUCTURES = ("array", "object")
_KEY_START = CharClass(((65, 90), (95, 95), (97, 122)))
_KEY_REST = CharClass(((45, 46), (48, 57), (65, 90), (95, 95), (97, 122)))
_ANY_KEY = sequence(_KEY_START, Repeat(_KEY_REST))
_MOST_FREE = 5  # optional members in a row that may come in any order


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
        root = Typed.root(_sorted(schema) if self.pairs.ordered else schema)
        listed = root.listed()
        rows = self._rows(listed, path)
        other = None if listed.closed else self._other(listed, path)
        return self._ordered(rows, self.pairs.separator, other)

    def _rows(self, listed: Listed, path: str) -> list[tuple[Node, bool]]:
        """The listed members, and whether each is required."""
        for keyword in listed.skipped:
            self.report.append(Loosened(path, keyword, "arguments are written one by one"))
        return [
            (self._member(key, schema, f"{path}.properties.{key}"), key in listed.required)
            for key, schema in listed.keys.items()
        ]

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

    def _other(self, listed: Listed, path: str) -> Node:
        """An argument that the schema does not list."""
        path = f"{path}.additionalProperties"
        name = _key_unlike(listed.keys)
        if any(isinstance(part, Slot) for form in self.pairs.forms for part in form.after):
            self.report.append(Loosened(path, "schema", "a key is repeated behind its value"))
        return choice(
            *(
                sequence(Literal(form.before), name, Literal(form.between), value)
                for form, value in self._values(None, listed.others, path)
            )
        )

    def _closed(self, closing: str, form: Pair, key: str | None) -> list[Node]:
        """*closing* and what stands behind the text that closes a value; None: of any key."""
        if key is not None:
            return [Literal(closing + form.after_key(key)[len(form.closing) :])]
        rest = form.after[1:] if form.closing else form.after
        return [
            Literal(closing),
            *(Literal(part) if isinstance(part, str) else _ANY_KEY for part in rest),
        ]

    def _values(self, key: str | None, schema: Typed, path: str) -> list[tuple[Pair, Node]]:
        """The ways to write a value of *schema*, each with what stands after the value."""
        pairs, kinds = self.pairs, schema.kinds()
        if pairs.item is not None:
            return [(pairs.text, self._nested(key, schema, path))]
        texts = "string" in kinds and not pairs.quoted
        either = texts and pairs.text == pairs.other
        found: list[tuple[Pair, Node]] = []
        if either:
            found.append((pairs.text, self._either(pairs.text, key, schema, path)))
        elif texts:
            found.append((pairs.text, self._text(pairs.text, key, schema, path)))
        if texts and pairs.guarded:
            found.append((pairs.guarded, self._text(pairs.guarded, key, schema, path)))
        others = kinds - {"string"} if texts else kinds
        if not either and (node := self._spelled(schema, others, path)) is not None:
            closed = self._closed(pairs.other.closing, pairs.other, key)
            found.append((pairs.other, sequence(node, *closed)))
        return found

    def _either(self, form: Pair, key: str | None, schema: Typed, path: str) -> Node:
        """A string or what else *schema* admits, all of it bare, and what closes it."""
        others = schema.kinds() - {"string"}
        if others <= {"null", "boolean"} and (held := self._held(form, key, schema, path)):
            node = self._spelled(schema, others, path)
            closed = self._closed(form.closing, form, key)
            return held if node is None else choice(held, sequence(node, *closed))
        if not others <= {"null"} and others | {"string"} != ANY and schema.restricted():
            # A bare text may be any other value as well; what it spells is read by the schema.
            self.report.append(Loosened(path, "type", "a bare text is also any other value"))
        return self._free(form, key)

    def _text(self, form: Pair, key: str | None, schema: Typed, path: str) -> Node:
        """A bare string and what closes it."""
        return self._held(form, key, schema, path) or self._free(form, key)

    def _held(self, form: Pair, key: str | None, schema: Typed, path: str) -> Node | None:
        """Bare strings and what closes them; None if *schema* holds strings to nothing."""
        if not schema.restricted():
            return None
        stops = (form.closing.strip() or form.closing,)
        free, _ = compile_raw(True, self.builder, stops=stops)
        try:
            node, loosened = compile_raw(
                schema.schema, self.builder, stops=stops, path=path, document=schema.document
            )
        except GrammarError as error:
            node, loosened = free, (Loosened(path, "schema", error.message),)
        self.report.extend(loosened)
        if node is None:
            self.report.append(Loosened(path, "schema", "no text is valid, and any is let through"))
        if node is None or node == free:
            return None
        return sequence(node, *self._closed(form.closing, form, key))

    def _free(self, form: Pair, key: str | None) -> Node:
        """Any text and what closes it."""
        marker = form.closing.strip() or form.closing
        upto = form.closing.index(marker) + len(marker)
        end = self._closed(form.closing[upto:], form, key)
        return sequence(Until((form.closing[:upto],)), *end)

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
                only,
                self.builder,
                spacing=notation,
                inside=True,
                path=path,
                document=schema.document,
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
        if kinds == ANY:
            return self._anything(form)
        if "string" in kinds:
            return self._either(form, key, schema, path)
        options: list[Node] = []
        if scalars := kinds & set(_SCALARS):
            options.append(self._compiled(schema, sorted(scalars), self.pairs.scalars, path))
        if "array" in kinds:
            options.append(self._items(schema, path))
        if "object" in kinds:
            options.append(self._object(schema, path))
        return sequence(choice(*options), *self._closed(form.closing, form, key))

    def _anything(self, form: Pair) -> Node:
        """A text, or pairs, and what closes it."""
        key = ("anything", id(self), form)
        return self.builder.once(key, "anything", lambda: self._any_value(form))

    def _any_value(self, form: Pair) -> Node:
        """Up to what may begin a pair: there is one, the end is there, or the text goes on."""
        value, marked = self._anything(form), self.builder.reserve("marked")
        inner = self._anything(self.pairs.text)
        ending = form.closing.removeprefix(form.before)  # what tells the end from a pair
        end = sequence(*self._closed(ending, form, None))
        pair = sequence(_ANY_KEY, Literal(form.between), inner, Literal(form.before), marked)
        no_key = CharClass(union(of(ending[:1]), _KEY_START.ranges), negated=True)
        goes_on = union(of(form.between[:1]), _KEY_REST.ranges)
        no_pair = sequence(_ANY_KEY, CharClass(goes_on, negated=True))
        self.builder.fill(marked, choice(end, pair, sequence(choice(no_key, no_pair), value)))
        return sequence(Until((form.before,)), marked)

    def _items(self, schema: Typed, path: str) -> Node:
        assert self.pairs.item is not None
        name, item = self.pairs.item, schema.items()
        least, most, skipped = schema.counts()
        for keyword in skipped:
            self.report.append(Loosened(path, keyword, "items are written one by one"))
        one = self._once("item", item, lambda: self._member(name, item, f"{path}.items"))
        return Repeat(one, least, most)

    def _object(self, schema: Typed, path: str) -> Node:
        """Members as JSON has them inside an object: open unless closed, freely in order."""

        def made() -> Node:
            listed = schema.listed()
            runs = groupby(self._rows(listed, path), key=itemgetter(1))
            rows = [self._run([row for row, _ in run], required) for required, run in runs]
            others = () if listed.barred else (Repeat(self._other(listed, path)),)
            return sequence(*rows, *others)

        return self._once("object", schema, made)

    def _run(self, rows: Sequence[Node], required: bool) -> Node:  # noqa: FBT001
        """Members in a row that are all *required* or all optional."""
        if required:
            return sequence(*rows)
        named = tuple(self.builder.define("member", row) for row in rows)
        if len(named) > _MOST_FREE:
            return sequence(*map(optional, named))
        return self._freely(named)

    def _freely(self, rows: tuple[Reference, ...]) -> Node:
        """Any of *rows*, in any order."""
        if not rows:
            return Literal("")

        def made() -> Node:
            ways = (
                sequence(row, self._freely(rows[:at] + rows[at + 1 :]))
                for at, row in enumerate(rows)
            )
            return optional(choice(*ways))

        return self.builder.once(("freely", rows), "rest", made)

    def _once(self, hint: str, schema: Typed, make: Any) -> Reference:
        # A recursive schema comes back to itself: the rule is then the one that is being made.
        return self.builder.once((hint, id(schema.schema), id(self)), hint, make)


def _key_unlike(listed: Collection[str]) -> Node:
    """Any key that is none of those *listed*."""
    tails: dict[str, list[tuple[str, ...]]] = {}
    for key in filter(None, listed):
        tails.setdefault(key[0], []).append(tuple(key[1:]))
    firsts = CharClass(difference(_KEY_START.ranges, of("".join(tails))))
    return choice(
        sequence(firsts, Repeat(_KEY_REST)),
        *(
            sequence(Literal(first), Unlike(tuple(unlike), _KEY_REST, choice()))
            for first, unlike in tails.items()
            if contains(_KEY_START.ranges, ord(first))
        ),
    )


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
