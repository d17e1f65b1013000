"""JSON as text: strings, white space, and any value at all.

Knows JSON, not JSON Schema.  What is printed from a known value is printed as ``json.dumps`` with
``ensure_ascii=False`` does it; what a model writes freely may use any escape that JSON has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gguf_fc.gbnf.rules import (
    Builder,
    CharClass,
    Literal,
    Node,
    Repeat,
    Sequence,
    Token,
    Unlike,
    choice,
    optional,
    sequence,
)
from gguf_fc.gbnf.spacing import Spacing


def _class(*parts: str) -> CharClass:
    """A class of single characters and three-character ranges such as ``0-9``."""
    ranges = [(ord(part[0]), ord(part[-1])) for part in parts]
    return CharClass(tuple(sorted(ranges)))


DIGIT = _class("0-9")
_HEX = _class("0-9", "A-F", "a-f")
_WHITE = _class(" ", "\t", "\n", "\r")

PLAIN = CharClass(((0x00, 0x1F), (ord('"'), ord('"')), (ord("\\"), ord("\\"))), negated=True)
_SHORT_ESCAPE = _class('"', "\\", "/", "b", "f", "n", "r", "t")

# \uXXXX: either no surrogate, or a high one followed by a low one.
_NO_SURROGATE = choice(
    Sequence((_class("0-9", "A-C", "E-F", "a-c", "e-f"), _HEX, _HEX, _HEX)),
    Sequence((_class("D", "d"), _class("0-7"), _HEX, _HEX)),
)
_PAIR = Sequence(
    (
        _class("D", "d"),
        _class("8-9", "A-B", "a-b"),
        _HEX,
        _HEX,
        Literal("\\u"),
        _class("D", "d"),
        _class("C-F", "c-f"),
        _HEX,
        _HEX,
    )
)

# One character of a string, however it is written.
CHARACTER = choice(
    PLAIN,
    Sequence(
        (
            Literal("\\"),
            choice(_SHORT_ESCAPE, Sequence((Literal("u"), choice(_NO_SURROGATE, _PAIR)))),
        )
    ),
)

# The escapes that json.dumps writes.
CANONICAL_ESCAPE = Sequence(
    (
        Literal("\\"),
        choice(
            _class('"', "\\", "b", "f", "n", "r", "t"),
            Sequence((Literal("u00"), _class("0-1"), _class("0-9", "a-f"))),
        ),
    )
)

INTEGER_PART = choice(Literal("0"), Sequence((_class("1-9"), Repeat(DIGIT))))
FRACTION = Sequence((Literal("."), Repeat(DIGIT, 1)))
EXPONENT = Sequence((_class("E", "e"), optional(_class("+", "-")), Repeat(DIGIT, 1)))


@dataclass(frozen=True, slots=True, eq=False)
class JsonText:
    """The JSON pieces of one grammar, each defined once, with one spacing."""

    builder: Builder
    spacing: Spacing | None

    @property
    def comma(self) -> Node:
        """Between two items."""
        if self.spacing is not None:
            return Token(Literal(self.spacing.item))
        return Token(sequence(self.gap, Literal(","), self.gap))

    @property
    def colon(self) -> Node:
        """Between a key and its value."""
        if self.spacing is not None:
            return Token(Literal(self.spacing.key))
        return Token(sequence(self.gap, Literal(":"), self.gap))

    @property
    def gap(self) -> Node:
        """Between a bracket and what is inside it."""
        if self.spacing is not None:
            return Literal("")
        return self._once("space", lambda: Repeat(_WHITE))

    @property
    def character(self) -> Node:
        """One character of a string."""
        return self._once("char", lambda: CHARACTER)

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
    def boolean(self) -> Node:
        """True or false."""
        return self._once("boolean", lambda: choice(*map(word, ("true", "false"))))

    @property
    def value(self) -> Node:
        """Any JSON value."""
        return self._once("value", self._value)

    @property
    def object(self) -> Node:
        """Any object."""
        return self._once("object", lambda: self.braced(*self.listed(self._member())))

    @property
    def array(self) -> Node:
        """Any array."""
        return self._once("array", lambda: self.bracketed(*self.listed(self.value)))

    def string_of(self, least: int, most: int | None) -> Node:
        """A string of so many characters, whatever their spelling."""
        return Token(sequence(Literal('"'), Repeat(self.character, least, most), Literal('"')))

    def string_unlike(self, texts: Iterable[str]) -> Node:
        """A string other than *texts*, in the spelling of ``json.dumps``."""
        pieces = tuple(tuple(quoted(letter)[1:-1] for letter in text) for text in texts)
        inside = Unlike(pieces, PLAIN, CANONICAL_ESCAPE)
        return Token(sequence(Literal('"'), inside, Literal('"')))

    def braced(self, members: Node, empty: bool = False) -> Node:  # noqa: FBT001, FBT002
        """An object around its *members*; if *empty*, there may be none."""
        return self._enclosed("{", members, "}", empty=empty)

    def bracketed(self, items: Node, empty: bool = False) -> Node:  # noqa: FBT001, FBT002
        """An array around its *items*; if *empty*, there may be none."""
        return self._enclosed("[", items, "]", empty=empty)

    def listed(self, item: Node, least: int = 0, most: int | None = None) -> tuple[Node, bool]:
        """*item* so many times, with commas between, and whether there may be none."""
        if most == 0:
            return Literal(""), True
        left = None if most is None else most - 1
        more = Repeat(sequence(self.comma, item), max(0, least - 1), left)
        return sequence(item, more if left != 0 else Literal("")), least == 0

    def exactly(self, value: Any) -> Node:
        """This value: its scalars in one spelling, its white space as the spacing says."""
        match value:
            case dict():
                members = [
                    sequence(word(quoted(key)), self.colon, self.exactly(inner))
                    for key, inner in value.items()
                ]
                return self.braced(self.joined(members))
            case list():
                return self.bracketed(self.joined([self.exactly(item) for item in value]))
            case str():
                return word(quoted(value))
            case _:
                return word(json.dumps(value))

    def joined(self, items: list[Node]) -> Node:
        """*items* with commas between."""
        separated = [part for item in items for part in (self.comma, item)]
        return sequence(*separated[1:])

    def _enclosed(self, opening: str, inside: Node, closing: str, *, empty: bool) -> Node:
        start = Token(sequence(Literal(opening), self.gap))
        if inside == Literal(""):
            return sequence(start, word(closing))
        end = sequence(inside, Token(sequence(self.gap, Literal(closing))))
        return sequence(start, choice(end, word(closing)) if empty else end)

    def _value(self) -> Node:
        scalars = (self.string, self.number, self.boolean, word("null"))
        return choice(self.object, self.array, *scalars)

    def _member(self) -> Node:
        return sequence(self.string, self.colon, self.value)

    def _once(self, name: str, make: Callable[[], Node]) -> Node:
        return self.builder.once((name, self.spacing), name, make)


def word(text: str) -> Node:
    """A token that is always the same."""
    return Token(Literal(text))


def quoted(text: str) -> str:
    """*text* as a JSON string."""
    # Half a surrogate pair is no character: it can only be written as an escape.
    whole = not any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(text, ensure_ascii=not whole)
