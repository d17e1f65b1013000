"""Rules of lists and objects that are pairs again: ``<tags><item>a</item></tags>``.

Only what stands around members and items differs from JSON here; which there may be, how many and
in which order is written by the same rules.  A value is always written with what closes it, as a
bare text ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gguf_fc.dialect.constrain.pair_values import (
    ANY_KEY,
    KEY_REST,
    KEY_START,
    PairValues,
    WrittenValue,
    closing,
)
from gguf_fc.dialect.syntax import Pair, Pairs
from gguf_fc.grammar import CharClass, Literal, Node, Until, choice, sequence
from gguf_fc.grammar.compile.schema import Scalar, TreeWriter
from gguf_fc.grammar.regex.charset import of, union
from gguf_fc.grammar.schema.json_types import ALL_TYPES
from gguf_fc.grammar.schema.known_values import exactly
from gguf_fc.grammar.schema.tree import ANYTHING, Array, Object, Schema
from gguf_fc.grammar.values.strings import StringBound


@dataclass(slots=True, eq=False, kw_only=True)
class NestedPairs(TreeWriter):
    """Writer of values as nested pairs."""

    pairs: Pairs
    values: PairValues

    def forms(self, key: str | None, schema: Schema, path: str) -> list[WrittenValue]:
        """The one way to write a value of *schema* under *key*; None: under any key."""
        return [WrittenValue(self.pairs.text, self._closed(key, schema, path), flat=True)]

    @property
    def comma(self) -> Node:
        """Nothing: each pair has texts of its own around it."""
        return Literal("")

    @property
    def anything(self) -> Node:
        """Any value is written with what closes it."""
        raise AssertionError

    def free(self, kind: Array | Object) -> Node:
        """Any list, or any object."""
        any_kind = Array() if isinstance(kind, Array) else Object()
        key = ("nested pairs", self.pairs, any_kind)
        return self.builder.once(key, "nested", lambda: self.compound(any_kind, ""))

    def known(self, value: Any) -> Node:
        """Exactly this value."""
        if isinstance(value, list | dict):
            return self.write(exactly(value), "")
        return self.values.speller(self.pairs.scalars).known(value)

    def scalar(self, kind: Scalar, path: str) -> Node:
        """Number, truth value or null."""
        return self.values.speller(self.pairs.scalars).scalar(kind, path)

    def member(self, name: str, schema: Schema, path: str) -> Node:
        """Pair of that key."""
        (value,) = self.forms(name, schema, path)
        return value.pair(Literal(name))

    def other_member(self, names: StringBound, schema: Schema, path: str) -> Node:
        """Pair of any key within *names*."""
        (value,) = self.forms(None, schema, path)
        return value.pair(self.values.key_within(names, path))

    def item(self, schema: Schema, path: str) -> Node:
        """Pair with the key of items."""
        assert self.pairs.item is not None
        return self.member(self.pairs.item, schema, path)

    def braced(self, members: Node, *, empty: bool) -> Node:
        """Pairs of an object; if *empty*, there may be none."""
        return choice(members, Literal("")) if empty else members

    def bracketed(self, items: Node, *, empty: bool) -> Node:
        """Pairs of a list; if *empty*, there may be none."""
        return choice(items, Literal("")) if empty else items

    def _closed(self, key: str | None, schema: Schema, path: str) -> Node:
        """A value and what closes it: a bare scalar, a list of items, or an object's members."""
        form, types = self.pairs.text, self.values.types(schema)
        if key is not None:
            form = Pair(form.before, form.between, (form.after_key(key),))
        if types == ALL_TYPES:
            if self.reader.meeting.resolved(schema) != ANYTHING:
                self.loosen(path, "type", "a bare text is also any other value")
            return self._anything(form)
        if "string" in types:
            return self.values.either(form, key, schema, path)
        return sequence(self.write(schema, path), *closing(form, key))

    def _anything(self, form: Pair) -> Node:
        """A text, or pairs, and what closes it."""
        key = ("anything in pairs", self.pairs, form)
        return self.builder.once(key, "anything", lambda: self._any_value(form))

    def _any_value(self, form: Pair) -> Node:
        """Up to what may begin a pair: there is one, the end is there, or the text goes on."""
        value, marked = self._anything(form), self.builder.reserve("marked")
        inner = self._anything(self.pairs.text)
        ending = form.closing.removeprefix(form.before)  # what tells the end from a pair
        end = sequence(*closing(form, None, ending))
        pair = sequence(ANY_KEY, Literal(form.between), inner, Literal(form.before), marked)
        no_key = CharClass(union(of(ending[:1]), KEY_START.ranges), negated=True)
        goes_on = union(of(form.between[:1]), KEY_REST.ranges)
        no_pair = sequence(ANY_KEY, CharClass(goes_on, negated=True))
        self.builder.fill(marked, choice(end, pair, sequence(choice(no_key, no_pair), value)))
        return sequence(Until((form.before,)), marked)
