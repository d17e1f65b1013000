"""Values as text: strings, white space, and any value at all.

Knows JSON and the notations that differ from it in their spelling, not JSON Schema.  What is
printed from a known value is printed in one way; what a model writes freely may use any escape
that the notation has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gguf_fc.grammar.regex.charset import ALL
from gguf_fc.grammar.rules import (
    NEVER,
    Builder,
    Literal,
    Node,
    Repeat,
    Token,
    Unlike,
    Until,
    choice,
    optional,
    repeated,
    sequence,
)
from gguf_fc.grammar.values.json_tokens import (
    CANONICAL_ESCAPE,
    CHARACTER,
    EXPONENT,
    FRACTION,
    INTEGER_PART,
    PLAIN,
    WHITE,
)
from gguf_fc.grammar.values.notation import BARE_KEY, JSON, Notation
from gguf_fc.grammar.values.number_ranges import integer_range
from gguf_fc.grammar.values.spacing import Spacing
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import Left, StringBound, loosened, text_rule

# An integer without limits.  More digits than any program keeps exactly that reads JSON's numbers
# as floating point would be of no use, and a model that writes digit after digit has to end.
LARGEST_INTEGER = 10**16 - 1
INTEGER = integer_range(-LARGEST_INTEGER, LARGEST_INTEGER)


@dataclass(frozen=True, slots=True, eq=False)
class JsonStrings:
    """Strings and keys of one grammar in one notation."""

    builder: Builder
    notation: Notation

    @property
    def any(self) -> Node:
        """Any string."""
        return self._once("string", lambda: self._of_length(0, None))

    def within(self, bound: StringBound) -> tuple[Node, tuple[Left, ...]]:
        """Strings that *bound* allows, and what of it is not enforced."""
        if bound == StringBound(excluded=bound.excluded) and not self._stops:
            return self._unlike(bound.excluded) if bound.excluded else self.any, ()
        left = loosened(bound, self._stops)
        needed = bound.simplified()
        if needed.is_free:
            return self.any, left
        if needed == needed.only_lengths:
            return self._of_length(needed.min_length, needed.max_length), left
        if needed == StringBound(excluded=needed.excluded):
            return self._unlike(needed.excluded), left
        return self._bounded(needed), left

    def key(self, name: str) -> Node:
        """Key of a member; NEVER where the notation cannot write it."""
        if self._is_json and self.notation.quoted_keys:
            return word(quoted(name))
        text = self.notation.name(name)
        return NEVER if text is None else word(text)

    def key_within(self, bound: StringBound) -> tuple[Node, tuple[Left, ...]]:
        """Keys that *bound* allows, and what of it is not enforced."""
        in_quotes, left = self.within(bound)
        if self.notation.quoted_keys:
            return in_quotes, left
        bare = bound.meet(StringBound(patterns=(f"^{BARE_KEY}$",)))
        spelling = Spelling(self.builder, Notation(escapes="none"))
        rule = self.builder.once(("key", bare), "key", lambda: text_rule(bare, spelling))
        return choice(rule, in_quotes), tuple(dict.fromkeys((*left, *loosened(bare))))

    @property
    def _is_json(self) -> bool:
        return self.notation.escapes == "json" and self.notation.quote == JSON.quote

    @property
    def _spelling(self) -> Spelling:
        return Spelling(self.builder, self.notation)

    @property
    def _stops(self) -> tuple[str, ...]:
        """Texts that must not occur between the quotes."""
        if self._is_json:
            return ()
        return (self.notation.quote,) if self.notation.has_bare_quote else ()

    @property
    def _character(self) -> Node:
        """One character, in any spelling."""
        return self._once(
            "char", lambda: CHARACTER if self._is_json else self._spelling.letter(ALL)
        )

    def _of_length(self, least: int, most: int | None) -> Node:
        """Strings of so many characters, whatever their spelling."""
        if self._stops:
            return self._bounded(StringBound(least, most))
        return self._between_quotes(Repeat(self._character, least, most))

    def _unlike(self, excluded: tuple[str, ...]) -> Node:
        """Strings other than *excluded*; in JSON, in the spelling of ``json.dumps``."""
        if not self._is_json:
            return self._bounded(StringBound(excluded=excluded))
        pieces = tuple(tuple(quoted(letter)[1:-1] for letter in text) for text in excluded)
        return self._between_quotes(Unlike(pieces, PLAIN, CANONICAL_ESCAPE))

    def _bounded(self, bound: StringBound) -> Node:
        if bound.is_free and self.notation.escapes == "none":
            return Token(sequence(Literal(self.notation.quote), Until(self._stops)))
        key = ("string", self.notation.quote, self.notation.escapes, bound)
        return self.builder.once(
            key,
            "string",
            lambda: self._between_quotes(text_rule(bound, self._spelling, self._stops)),
        )

    def _between_quotes(self, inside: Node) -> Node:
        quote = Literal(self.notation.quote)
        return Token(sequence(quote, inside, quote))

    def _once(self, name: str, make: Callable[[], Node]) -> Node:
        return self.builder.once((name, self.notation), name, make)


@dataclass(frozen=True, slots=True, eq=False)
class JsonText:
    """Values and punctuation of one grammar, each piece defined once, in one notation.

    *style* None is JSON with any white space; a ``Spacing`` is JSON with that.
    """

    builder: Builder
    style: Spacing | Notation | None

    @property
    def notation(self) -> Notation:
        """Spelling of values."""
        match self.style:
            case None:
                return JSON
            case Spacing():
                return Notation.of(self.style)
            case Notation():
                return self.style

    @property
    def strings(self) -> JsonStrings:
        """Strings and keys."""
        return JsonStrings(self.builder, self.notation)

    @property
    def comma(self) -> Node:
        """Separator of two items."""
        if self.style is not None:
            return Token(Literal(self.notation.item))
        return Token(sequence(self.gap, Literal(","), self.gap))

    @property
    def colon(self) -> Node:
        """Separator of a key and its value."""
        if self.style is not None:
            return Token(Literal(self.notation.key))
        return Token(sequence(self.gap, Literal(":"), self.gap))

    @property
    def gap(self) -> Node:
        """White space between a bracket and what is inside it."""
        if self.style is not None:
            return Literal("")
        return self._once("space", lambda: Repeat(WHITE))

    @property
    def number(self) -> Node:
        """Any number."""
        parts = (optional(Literal("-")), INTEGER_PART, optional(FRACTION), optional(EXPONENT))
        return self._once("number", lambda: Token(sequence(*parts)))

    @property
    def integer(self) -> Node:
        """Any integer, of at most 16 digits."""
        return Token(INTEGER)

    @property
    def boolean(self) -> Node:
        """True or false."""
        words = (self.notation.true, self.notation.false)
        return self._once("boolean", lambda: choice(*map(word, words)))

    @property
    def null(self) -> Node:
        """Null."""
        return word(self.notation.null)

    @property
    def value(self) -> Node:
        """Any value."""
        return self._once("value", self._value)

    @property
    def object(self) -> Node:
        """Any object."""
        return self._once("object", lambda: self.braced(self._some(self._member()), empty=True))

    @property
    def array(self) -> Node:
        """Any array."""
        return self._once("array", lambda: self.bracketed(self._some(self.value), empty=True))

    def braced(self, members: Node, *, empty: bool = False) -> Node:
        """Object around its *members*; if *empty*, there may be none."""
        return self._enclosed("{", members, "}", empty=empty)

    def bracketed(self, items: Node, *, empty: bool = False) -> Node:
        """Array around its *items*; if *empty*, there may be none."""
        return self._enclosed("[", items, "]", empty=empty)

    def exactly(self, value: Any) -> Node:
        """Exactly this value: its scalars in one spelling, its white space as the style says."""
        match value:
            case dict():
                members = [
                    sequence(self.strings.key(key), self.colon, self.exactly(inner))
                    for key, inner in value.items()
                ]
                return self.braced(joined(members, self.comma))
            case list():
                return self.bracketed(joined([self.exactly(item) for item in value], self.comma))
            case _:
                text = self.notation.scalar(value)
                return NEVER if text is None else word(text)

    def _enclosed(self, opening: str, inside: Node, closing: str, *, empty: bool) -> Node:
        start = Token(sequence(Literal(opening), self.gap))
        if inside == Literal(""):
            return sequence(start, word(closing))
        end = sequence(inside, Token(sequence(self.gap, Literal(closing))))
        return sequence(start, choice(end, word(closing)) if empty else end)

    def _some(self, item: Node) -> Node:
        """*item* once or more, with commas between."""
        return repeated(item, sequence(self.comma, item))[0]

    def _value(self) -> Node:
        scalars = (self.strings.any, self.number, self.boolean, self.null)
        return choice(self.object, self.array, *scalars)

    def _member(self) -> Node:
        key, _ = self.strings.key_within(StringBound())
        return sequence(key, self.colon, self.value)

    def _once(self, name: str, make: Callable[[], Node]) -> Node:
        return self.builder.once((name, self.style), name, make)


def joined(items: list[Node], comma: Node) -> Node:
    """*items* with *comma* between."""
    separated = [part for item in items for part in (comma, item)]
    return sequence(*separated[1:])


def word(text: str) -> Node:
    """A token that is always the same."""
    return Token(Literal(text))


def quoted(text: str) -> str:
    """*text* as a JSON string; letters and digits stand for themselves."""
    return f'"{text if text.isalnum() else JSON.escaped(text)}"'
