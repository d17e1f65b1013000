"""Values as text: strings, white space, and any value at all.

Knows JSON and the notations that differ from it in their spelling, not JSON Schema.  What is
printed from a known value is printed in one way; what a model writes freely may use any escape
that the notation has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from gguf_fc.grammar.values.notation import JSON, Notation
from gguf_fc.grammar.values.number_ranges import integer_range
from gguf_fc.grammar.values.spacing import Spacing
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import Left, StringBound, loosened, text_rule

# An integer without limits.  More digits than any program keeps exactly that reads JSON's numbers
# as floating point would be of no use, and a model that writes digit after digit has to end.
LARGEST_INTEGER = 10**16 - 1
INTEGER = integer_range(-LARGEST_INTEGER, LARGEST_INTEGER)

# A key without quotes: what cannot be taken for a bracket, a separator or a quote.
_BARE_KEY = r"""^[^\s\x00-\x1F"'`,:;=<>(){}\[\]\\|]+$"""


@dataclass(frozen=True, slots=True, eq=False)
class JsonText:
    """The pieces of values in one grammar, each defined once, in one notation.

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
    def spelling(self) -> Spelling:
        """Spelling of the characters of a string."""
        return Spelling(self.builder, self.notation)

    @property
    def comma(self) -> Node:
        """Between two items."""
        if self.style is not None:
            return Token(Literal(self.notation.item))
        return Token(sequence(self.gap, Literal(","), self.gap))

    @property
    def colon(self) -> Node:
        """Between a key and its value."""
        if self.style is not None:
            return Token(Literal(self.notation.key))
        return Token(sequence(self.gap, Literal(":"), self.gap))

    @property
    def gap(self) -> Node:
        """Between a bracket and what is inside it."""
        if self.style is not None:
            return Literal("")
        return self._once("space", lambda: Repeat(WHITE))

    @property
    def character(self) -> Node:
        """One character of a string."""
        return self._once("char", lambda: CHARACTER if self._is_json else self.spelling.letter(ALL))

    @property
    def string(self) -> Node:
        """Any string."""
        return self._once("string", lambda: self.string_of(0, None))

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

    def string_of(self, least: int, most: int | None) -> Node:
        """A string of so many characters, whatever their spelling."""
        if self._stops:
            return self._bounded(StringBound(least, most))
        return self._between_quotes(Repeat(self.character, least, most))

    def string_unlike(self, texts: Iterable[str]) -> Node:
        """A string other than *texts*; in JSON, in the spelling of ``json.dumps``."""
        excluded = tuple(texts)
        if not self._is_json:
            return self._bounded(StringBound(excluded=excluded))
        pieces = tuple(tuple(quoted(letter)[1:-1] for letter in text) for text in excluded)
        return self._between_quotes(Unlike(pieces, PLAIN, CANONICAL_ESCAPE))

    def string_in(self, bound: StringBound) -> tuple[Node, tuple[Left, ...]]:
        """A string that *bound* allows, and what of it is not enforced."""
        if bound == StringBound(excluded=bound.excluded) and not self._stops:
            return self.string_unlike(bound.excluded) if bound.excluded else self.string, ()
        left = loosened(bound, self._stops)
        needed = bound.simplified()
        if needed.is_free:
            return self.string, left
        if needed == needed.only_lengths:
            return self.string_of(needed.min_length, needed.max_length), left
        if needed == StringBound(excluded=needed.excluded):
            return self.string_unlike(needed.excluded), left
        return self._bounded(needed), left

    def key(self, name: str) -> Node:
        """The key of a member."""
        if self._is_json and self.notation.quoted_keys:
            return word(quoted(name))
        return _written(self.notation.name(name))

    def key_in(self, bound: StringBound) -> tuple[Node, tuple[Left, ...]]:
        """A key that *bound* allows, and what of it is not enforced."""
        if self.notation.quoted_keys:
            return self.string_in(bound)
        bare = bound.meet(StringBound(patterns=(_BARE_KEY,)))
        spelling = Spelling(self.builder, Notation(escapes="none"))
        key = ("key", bare)
        return self.builder.once(key, "key", lambda: text_rule(bare, spelling)), loosened(bare)

    def braced(self, members: Node, *, empty: bool = False) -> Node:
        """An object around its *members*; if *empty*, there may be none."""
        return self._enclosed("{", members, "}", empty=empty)

    def bracketed(self, items: Node, *, empty: bool = False) -> Node:
        """An array around its *items*; if *empty*, there may be none."""
        return self._enclosed("[", items, "]", empty=empty)

    def exactly(self, value: Any) -> Node:
        """Exactly this value: its scalars in one spelling, its white space as the style says."""
        match value:
            case dict():
                members = [
                    sequence(self.key(key), self.colon, self.exactly(inner))
                    for key, inner in value.items()
                ]
                return self.braced(self.joined(members))
            case list():
                return self.bracketed(self.joined([self.exactly(item) for item in value]))
            case _:
                return _written(self.notation.scalar(value))

    def joined(self, items: list[Node]) -> Node:
        """*items* with commas between."""
        separated = [part for item in items for part in (self.comma, item)]
        return sequence(*separated[1:])

    @property
    def _is_json(self) -> bool:
        return self.notation.escapes == "json" and self.notation.quote == JSON.quote

    @property
    def _stops(self) -> tuple[str, ...]:
        """Texts that must not occur between the quotes."""
        if self._is_json:
            return ()
        return (self.notation.quote,) if self.notation.has_bare_quote else ()

    def _bounded(self, bound: StringBound) -> Node:
        if bound.is_free and self.notation.escapes == "none":
            return Token(sequence(Literal(self.notation.quote), Until(self._stops)))
        key = ("string", self.notation.quote, self.notation.escapes, bound)
        return self.builder.once(
            key,
            "string",
            lambda: self._between_quotes(text_rule(bound, self.spelling, self._stops)),
        )

    def _between_quotes(self, inside: Node) -> Node:
        quote = Literal(self.notation.quote)
        return Token(sequence(quote, inside, quote))

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
        scalars = (self.string, self.number, self.boolean, self.null)
        return choice(self.object, self.array, *scalars)

    def _member(self) -> Node:
        key, _ = self.key_in(StringBound())
        return sequence(key, self.colon, self.value)

    def _once(self, name: str, make: Callable[[], Node]) -> Node:
        return self.builder.once((name, self.style), name, make)


def word(text: str) -> Node:
    """A token that is always the same."""
    return Token(Literal(text))


def quoted(text: str) -> str:
    """*text* as a JSON string; letters and digits stand for themselves."""
    return f'"{text if text.isalnum() else JSON.escaped(text)}"'


def _written(text: str | None) -> Node:
    """A known text; nothing where the notation cannot write it."""
    return NEVER if text is None else word(text)
