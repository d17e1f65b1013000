"""How a string of a notation writes the characters of a set.

A character that JSON's usual writers leave alone is only written as itself: so a known text has
one spelling, and a grammar can force it.  Quotes, backslashes and control characters have their
escapes, and what is not ASCII may be written by its number as well, in halves where it needs two.

Every set that holds a character allows all its spellings.  So the sets of texts written this way
can be intersected and taken from each other as if they were the texts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.gbnf.charset import (
    LAST,
    Charset,
    complement,
    contains,
    difference,
    intersection,
    of,
    union,
)
from gguf_fc.gbnf.notation import Notation
from gguf_fc.gbnf.rules import Builder, CharClass, Choice, Literal, Node, choice, sequence

_CONTROLS: Charset = ((0x00, 0x1F),)
_JSON_ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PYTHON_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_BEYOND_ASCII: Charset = ((0x80, 0xD7FF), (0xE000, 0xFFFF))
_HIGH, _LOW, _ASTRAL = 0xD800, 0xDC00, 0x10000
_HEX_DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """The characters inside the quotes of one notation, as rules of one grammar."""

    builder: Builder
    notation: Notation

    def letter(self, characters: Charset) -> Node:
        """Any one of *characters*."""
        if self.notation.escapes == "none":
            return char_class(characters)
        if len(characters) == 1 and characters[0][0] == characters[0][1]:
            code = characters[0][0]
            if 0x20 <= code < 0x7F:  # noqa: PLR2004  printable ASCII
                return Literal(self.notation.escaped(chr(code)) or "")
        key = ("letter", self.notation.escapes, self.notation.quote, characters)
        plain = difference(characters, self._special())
        if plain == characters and not intersection(plain, ((0x7F, LAST),)):
            return char_class(plain)
        return self.builder.once(key, "char", lambda: self._any_way(characters, plain))

    def _special(self) -> Charset:
        """What cannot stand for itself."""
        return union(_CONTROLS, of(f"\\{self.notation.quote}"))

    def _any_way(self, characters: Charset, plain: Charset) -> Node:
        ways: list[Node] = [char_class(plain)] if plain else []
        python = self.notation.escapes == "python"
        names = _PYTHON_ESCAPES if python else _JSON_ESCAPES
        short = "".join(n for n, letter in names.items() if contains(characters, ord(letter)))
        escapes: list[Node] = [char_class(of(short))] if short else []
        controls = intersection(characters, ((0x00, 0x1F), (0x7F, 0x7F)))
        if controls:
            lead, width = ("x", 2) if python else ("u", 4)
            escapes.append(sequence(Literal(lead), numbered(controls, width)))
        beyond = intersection(characters, _BEYOND_ASCII)
        if beyond:
            escapes.append(sequence(Literal("u"), numbered(beyond, 4)))
        astral = intersection(characters, ((_ASTRAL, LAST),))
        if astral and not python:
            escapes.append(_pairs(astral))
        if escapes:
            ways.append(sequence(Literal("\\"), choice(*escapes)))
        return choice(*ways)


def char_class(characters: Charset) -> Node:
    """*characters* as themselves, in the shorter of two ways."""
    if not characters:
        return Choice(())
    if characters[-1][1] == LAST:
        return CharClass(complement(characters), negated=True)
    return CharClass(characters)


def numbered(codes: Charset, width: int) -> Node:
    """The numbers in *codes* as *width* hexadecimal digits, in either case."""
    if width == 0:
        return Literal("")
    size = 16 ** (width - 1)
    digits: dict[Charset, list[int]] = {}
    for digit in range(16):
        block = intersection(codes, ((digit * size, (digit + 1) * size - 1),))
        if block:
            rest = tuple((low - digit * size, high - digit * size) for low, high in block)
            digits.setdefault(rest, []).append(digit)
    return choice(
        *(sequence(_hex_digits(found), numbered(rest, width - 1)) for rest, found in digits.items())
    )


def _hex_digits(values: list[int]) -> Node:
    letters = "".join(_HEX_DIGITS[value] for value in values)
    return CharClass(of(letters + letters.upper()))


def _pairs(astral: Charset) -> Node:
    """Characters beyond 16 bits as a high and a low half."""
    highs: dict[Charset, list[int]] = {}
    for low, high in astral:
        for half in range((low - _ASTRAL) >> 10, ((high - _ASTRAL) >> 10) + 1):
            start = _ASTRAL + (half << 10)
            first, last = max(low, start) - start, min(high, start + 0x3FF) - start
            highs.setdefault(((first, last),), []).append(half)
    ways: list[Node] = []
    for lows, halves in highs.items():
        leading = union(*(((_HIGH + half, _HIGH + half),) for half in halves))
        trailing = tuple((_LOW + low, _LOW + high) for low, high in lows)
        ways.append(
            sequence(Literal("u"), numbered(leading, 4), Literal("\\u"), numbered(trailing, 4))
        )
    return choice(*ways)
