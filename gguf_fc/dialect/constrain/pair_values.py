"""Rules of a value between the fixed texts of a pair: a bare string, or spelled as in a notation.

A string stands bare up to the text that closes it, so that text cannot be in it.  A bare text of
which the schema admits other types too is what it spells where that is valid, and else a string
(``read/bare``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gguf_fc.dialect.syntax import Pair, Pairs
from gguf_fc.grammar import (
    Builder,
    CharClass,
    Literal,
    Node,
    Repeat,
    Token,
    Until,
    choice,
    sequence,
)
from gguf_fc.grammar.compile.bare_strings import BareStrings
from gguf_fc.grammar.compile.schema import JsonWriter
from gguf_fc.grammar.schema.json_types import JsonType, narrowed, types_of
from gguf_fc.grammar.schema.read import SchemaReader
from gguf_fc.grammar.schema.tree import Schema
from gguf_fc.grammar.values.json_text import JsonText
from gguf_fc.grammar.values.notation import PYTHON, Notation
from gguf_fc.grammar.values.spacing import SPACE
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import StringBound, loosened, text_rule

KEY_START = CharClass(((65, 90), (95, 95), (97, 122)))
KEY_REST = CharClass(((45, 46), (48, 57), (65, 90), (95, 95), (97, 122)))
ANY_KEY = sequence(KEY_START, Repeat(KEY_REST))
_KEY = StringBound(patterns=("^[A-Za-z_][-.0-9A-Za-z_]*$",))
_OTHER_QUOTE = {'"': "'", "'": '"'}
_STRUCTURES = frozenset(("array", "object"))


class WrittenValue(NamedTuple):
    """A value and what closes it, in one form of a pair."""

    form: Pair
    end: Node
    flat: bool  # no list and no object in brackets, whose parts a lexer takes one by one

    def pair(self, key: Node) -> Node:
        """The whole pair, in one piece where it is flat."""
        node = sequence(Literal(self.form.before), key, Literal(self.form.between), self.end)
        return Token(node) if self.flat else node


@dataclass(slots=True, eq=False)
class PairValues:
    """Writer of one tool's values, each with the text that closes it."""

    pairs: Pairs
    builder: Builder
    reader: SchemaReader
    following: str = ""  # the characters with which another pair or the end of the call begins
    any_order: bool = False  # of the members of objects
    _spellers: dict[Notation, JsonWriter] = field(default_factory=dict, init=False)

    def forms(self, key: str | None, schema: Schema, path: str) -> list[WrittenValue]:
        """Ways to write a value of *schema* under *key*; None: under any key."""
        pairs, types = self.pairs, self.types(schema)
        texts = "string" in types and not pairs.quoted
        found: list[WrittenValue] = []
        if texts and pairs.text == pairs.other:
            end = self.either(pairs.text, key, schema, path)
            return [WrittenValue(pairs.text, end, flat=True)]
        for form in (pairs.text, pairs.guarded):
            if texts and form is not None:
                end = self._text(form, key, schema, path)
                found.append(WrittenValue(form, end, flat=True))
        others = types - {"string"} if texts else types
        if (node := self._spelled(schema, others, path)) is not None:
            end = sequence(node, *closing(pairs.other, key))
            found.append(WrittenValue(pairs.other, end, flat=not others & _STRUCTURES))
        return found

    def either(self, form: Pair, key: str | None, schema: Schema, path: str) -> Node:
        """A string or what else *schema* admits, all of it bare, and what closes it."""
        others = self.types(schema) - {"string"}
        held = self._held(form, key, schema, path)
        if held is None:
            return self._free(form, key)
        if others & _STRUCTURES:
            # A lexer that takes the longest piece cannot tell a held text from an object's begin.
            self.reader.loosen(path, "type", "a bare text is also any other value")
            return self._free(form, key)
        node = self._spelled(schema, others, path)
        return held if node is None else choice(held, sequence(node, *closing(form, key)))

    def types(self, schema: Schema) -> frozenset[JsonType]:
        """JSON types that *schema* admits."""
        return types_of(self.reader.meeting.resolved, schema)

    def speller(self, notation: Notation) -> JsonWriter:
        """Writer of values in that notation."""
        if notation not in self._spellers:
            self._spellers[notation] = JsonWriter(
                builder=self.builder,
                reader=self.reader,
                alphabetical=self.pairs.ordered,
                any_order=self.any_order,
                text=JsonText(self.builder, notation),
            )
        return self._spellers[notation]

    def key_within(self, names: StringBound, path: str) -> Node:
        """Rule of the keys within *names*; *path* is that of their values."""
        bound = names.meet(_KEY)
        if self.pairs.quotes_keys:
            rule, left = self.speller(self.pairs.notation).text.strings.key_within(names)
        else:
            left = loosened(bound)
            spelling = Spelling(self.builder, Notation(escapes="none"))
            rule = self.builder.once(("pair key", bound), "key", lambda: text_rule(bound, spelling))
        for _, reason in left:
            self.reader.loosen(path.rpartition(".")[0], "patternProperties", reason)
        return rule

    def finish(self) -> None:
        """Write the definitions that were referred to."""
        for speller in self._spellers.values():
            speller.finish()

    def _text(self, form: Pair, key: str | None, schema: Schema, path: str) -> Node:
        """A bare string and what closes it."""
        return self._held(form, key, schema, path) or self._free(form, key)

    def _held(self, form: Pair, key: str | None, schema: Schema, path: str) -> Node | None:
        """Bare strings and what closes them; None if any text will do."""
        strings = BareStrings(self.builder, self.reader, (_marker(form),))
        if strings.is_free(schema):
            return None
        node = strings.write(schema, path)
        if node is None:
            self.reader.loosen(path, "schema", "no text is valid, and any is let through")
        if node is None or node == Until((_marker(form),)):
            return None
        return sequence(node, *closing(form, key))

    def _free(self, form: Pair, key: str | None) -> Node:
        """Any text and what closes it."""
        upto = form.closing.index(_marker(form)) + len(_marker(form))
        end = closing(form, key, form.closing[upto:])
        return sequence(Until((form.closing[:upto],), self._early_ends(form)), *end)

    def _early_ends(self, form: Pair) -> tuple[str, ...]:
        """Texts that a reader may take for the end of a value though white space is missing there.

        Without that the closing text is quoted, unless another pair or the end of the call follows.
        """
        marker = _marker(form)
        if form.closing.startswith(marker):
            return ()
        breaks = SPACE.replace(" ", "")
        ends = (*self.following, *breaks, *(" " + end for end in (*self.following, *SPACE)))
        return tuple(marker + end for end in ends)

    def _spelled(self, schema: Schema, types: frozenset[JsonType], path: str) -> Node | None:
        """A value of one of *types*, as the syntax spells it."""
        pairs, resolve = self.pairs, self.reader.meeting.resolved
        scalars, structures = types - _STRUCTURES, types & _STRUCTURES
        if _alike(pairs.scalars, pairs.notation):
            scalars, structures = frozenset(), types
        options = [
            self.speller(notation).write(narrowed(resolve, schema, names), path)
            for names, notation in ((scalars, pairs.scalars), (structures, pairs.notation))
            if names
        ]
        if "string" in types and (other := _other_quote(pairs)) is not None:
            texts = narrowed(resolve, schema, frozenset(("string",)))
            options.append(self.speller(other).write(texts, path))
        return choice(*options) if options else None


def closing(form: Pair, key: str | None, text: str | None = None) -> list[Node]:
    """Closing text of a pair and what stands behind it; None: of any key.

    *text* is what is left of the closing text, if a part of it is written already.
    """
    text = form.closing if text is None else text
    if key is not None:
        return [Literal(text + form.after_key(key)[len(form.closing) :])]
    rest = form.after[1:] if form.closing else form.after
    return [
        Literal(text),
        *(Literal(part) if isinstance(part, str) else ANY_KEY for part in rest),
    ]


def _other_quote(pairs: Pairs) -> Notation | None:
    """Notation of strings in the other of Python's quotes, where calls are Python; None if not."""
    python = pairs.quoted and pairs.scalars.true == PYTHON.true
    other = _OTHER_QUOTE.get(pairs.scalars.quote) if python else None
    return None if other is None else replace(pairs.scalars, quote=other, escapes="python")


def _marker(form: Pair) -> str:
    """Text that cannot be in a bare string: the closing text without the layout around it."""
    return form.closing.strip() or form.closing


def _alike(one: Notation, other: Notation) -> bool:
    """True if scalars are spelled the same in both."""
    return (one.true, one.false, one.null, one.quote) == (
        other.true,
        other.false,
        other.null,
        other.quote,
    )
