"""Spelling of the characters of a set in a string of a notation.

A character that JSON's usual writers leave alone is only written as itself: so a known text has
one spelling, and a grammar can force it.  Quotes, backslashes and control characters have their
escapes, and what is not ASCII may be written by its number as well, in halves where it needs two.

Every set that holds a character allows all its spellings.  So the sets of texts written this way
can be intersected and taken from each other as if they were the texts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from gguf_fc.grammar.regex.charset import (
    LAST,
    Charset,
    charset,
    complement,
    contains,
    difference,
    intersection,
    of,
    union,
)
from gguf_fc.grammar.rules import NEVER, Builder, CharClass, Literal, Node, choice, sequence
from gguf_fc.grammar.values.notation import Notation

_CONTROLS: Charset = ((0x00, 0x1F),)
_JSON_ESCAPES = {'"': '"', "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PYTHON_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_DELETE: Charset = ((0x7F, 0x7F),)
_BEYOND_ASCII: Charset = ((0x80, 0xD7FF), (0xE000, 0xFFFF))
_ASTRAL: Charset = ((0x10000, LAST),)
_ESCAPED_TOO = union(_DELETE, _BEYOND_ASCII, _ASTRAL)  # that may also be written by number
_HIGH, _LOW = 0xD800, 0xDC00
_HALF = 0x400  # values of one half
_HEX_DIGITS = "0123456789abcdef"
_MOST_KEPT = 1_000  # rules of numbers, from one grammar to the next


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """The characters inside the quotes of one notation, as rules of one grammar."""

    builder: Builder
    notation: Notation
    _letters: dict[Charset, Node] = field(default_factory=dict, init=False)

    def letter(self, characters: Charset) -> Node:
        """Any one of *characters*."""
        if characters not in self._letters:
            self._letters[characters] = self._letter(characters)
        return self._letters[characters]

    def _letter(self, characters: Charset) -> Node:
        if self.notation.escapes == "none":
            return char_class(characters)
        if len(characters) == 1 and characters[0][0] == characters[0][1]:
            code = characters[0][0]
            if ord(" ") <= code < ord("~"):
                return Literal(self.notation.letter(chr(code)))
        plain = difference(characters, self._special())
        ways: list[Node] = [char_class(plain)] if plain else []
        escaped = intersection(characters, union(self._special(), _ESCAPED_TOO))
        if escaped:
            key = ("escape", self.notation.escapes, self.notation.quote, escaped)
            ways.append(self.builder.once(key, "escape", lambda: self._escape(escaped)))
        return choice(*ways)

    def _special(self) -> Charset:
        """Characters that cannot stand for themselves."""
        return union(_CONTROLS, of("\\" + self.notation.escaped_quote))

    def _escape(self, characters: Charset) -> Node:
        python = self.notation.escapes == "python"
        names = _PYTHON_ESCAPES if python else _JSON_ESCAPES
        names = names | {letter: letter for letter in self.notation.escaped_quote}
        short = "".join(n for n, letter in names.items() if contains(characters, ord(letter)))
        ways: list[Node] = [char_class(of(short))] if short else []
        controls = intersection(characters, union(_CONTROLS, _DELETE))
        if controls:
            lead, width = ("x", 2) if python else ("u", 4)
            ways.append(sequence(Literal(lead), numbered(controls, width)))
        beyond = intersection(characters, _BEYOND_ASCII)
        if beyond:
            ways.append(sequence(Literal("u"), numbered(beyond, 4)))
        astral = intersection(characters, _ASTRAL)
        if astral:
            wide = sequence(Literal("U"), numbered(astral, 8))
            ways.append(wide if python else _pairs(astral))
        return sequence(Literal("\\"), choice(*ways))


def char_class(characters: Charset) -> Node:
    """*characters* as themselves, in the shorter of two ways."""
    if not characters:
        return NEVER
    if characters[-1][1] == LAST:
        return CharClass(complement(characters), negated=True)
    return CharClass(characters)


@lru_cache(maxsize=_MOST_KEPT)
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


@lru_cache(maxsize=_MOST_KEPT)
def _pairs(astral: Charset) -> Node:
    """Characters beyond 16 bits as a high and a low half."""
    highs: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for low, high in astral:
        first, first_low = divmod(low - _ASTRAL[0][0], _HALF)
        last, last_low = divmod(high - _ASTRAL[0][0], _HALF)
        if first < last and first_low > 0:
            highs.setdefault((first_low, _HALF - 1), []).append((first, first))
            first, first_low = first + 1, 0
        if first < last and last_low < _HALF - 1:
            highs.setdefault((0, last_low), []).append((last, last))
            last, last_low = last - 1, _HALF - 1
        highs.setdefault((first_low, last_low), []).append((first, last))
    return choice(*(_pair(charset(leading), lows) for lows, leading in highs.items()))


def _pair(leading: Charset, lows: tuple[int, int]) -> Node:
    high = tuple((_HIGH + first, _HIGH + last) for first, last in leading)
    low = ((_LOW + lows[0], _LOW + lows[1]),)
    return sequence(Literal("u"), numbered(high, 4), Literal("\\u"), numbered(low, 4))
