"""Sets of Unicode characters, as sorted, disjoint, inclusive ranges of code points.

Knows code points and Unicode's general categories, not how a character is written anywhere.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from functools import cache

Charset = tuple[tuple[int, int], ...]

LAST = sys.maxunicode
SURROGATES = (0xD800, 0xDFFF)  # halves of a character, which no text is made of
ALL: Charset = ((0, SURROGATES[0] - 1), (SURROGATES[1] + 1, LAST))
NONE: Charset = ()

DIGITS: Charset = ((0x30, 0x39),)
WORD: Charset = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
LINE_ENDS: Charset = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
SPACE: Charset = (
    (0x09, 0x0D),
    (0x20, 0x20),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
)

_MOST_FOLDED = 5_000  # characters of a set whose other case is looked up

# The long names of general categories that patterns use.
_CATEGORIES = {
    "Letter": "L",
    "Cased_Letter": "LC",
    "Uppercase_Letter": "Lu",
    "Lowercase_Letter": "Ll",
    "Titlecase_Letter": "Lt",
    "Modifier_Letter": "Lm",
    "Other_Letter": "Lo",
    "Mark": "M",
    "Nonspacing_Mark": "Mn",
    "Number": "N",
    "Decimal_Number": "Nd",
    "digit": "Nd",
    "Letter_Number": "Nl",
    "Other_Number": "No",
    "Punctuation": "P",
    "punct": "P",
    "Symbol": "S",
    "Math_Symbol": "Sm",
    "Currency_Symbol": "Sc",
    "Separator": "Z",
    "Space_Separator": "Zs",
    "Other": "C",
    "Control": "Cc",
    "Format": "Cf",
}


def charset(ranges: Iterable[tuple[int, int]]) -> Charset:
    """*ranges* in order, those that touch joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def of(text: str) -> Charset:
    """The characters of *text*."""
    return charset((code, code) for code in map(ord, text))


def union(*sets: Charset) -> Charset:
    """Characters in any of *sets*."""
    return charset(part for each in sets for part in each)


def complement(characters: Charset) -> Charset:
    """Every other character."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in characters:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= LAST:
        gaps.append((start, LAST))
    return intersection(tuple(gaps), ALL)


def intersection(a: Charset, b: Charset) -> Charset:
    """Characters in both."""
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        low, high = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if low <= high:
            found.append((low, high))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def difference(a: Charset, b: Charset) -> Charset:
    """Characters in *a* and not in *b*."""
    return intersection(a, complement(b))


def contains(characters: Charset, code: int) -> bool:
    """True if the character of that *code* is one of them."""
    return any(low <= code <= high for low, high in characters)


def both_cases(characters: Charset) -> Charset:
    """*characters* with the other case of each, where that is one character."""
    found = list(characters)
    left = _MOST_FOLDED
    for low, high in characters:
        for code in range(low, min(high, low + left) + 1):
            letter = chr(code)
            others = {letter.lower(), letter.upper(), letter.swapcase()} - {letter}
            found.extend((ord(other), ord(other)) for other in others if len(other) == 1)
        left = max(0, left - (high - low + 1))
    return charset(found)


def category(name: str) -> Charset | None:
    """The characters of a general category such as ``Lu`` or ``Letter``; None for another name."""
    _, _, value = name.rpartition("=")
    if name in ("Any", "ASCII"):
        return ALL if name == "Any" else ((0, 0x7F),)
    if "=" in name and name.partition("=")[0] not in ("gc", "General_Category"):
        return None
    short = _CATEGORIES.get(value, value)
    if short == "LC":
        return union(*(_categories()[each] for each in ("Lu", "Ll", "Lt")))
    found = [ranges for each, ranges in _categories().items() if each.startswith(short)]
    return intersection(union(*found), ALL) if found and short else None


@cache
def _categories() -> dict[str, Charset]:
    found: dict[str, list[tuple[int, int]]] = {}
    start, current = 0, unicodedata.category("\0")
    for code in range(1, LAST + 2):
        here = unicodedata.category(chr(code)) if code <= LAST else ""
        if here != current:
            found.setdefault(current, []).append((start, code - 1))
            start, current = code, here
    return {name: tuple(ranges) for name, ranges in found.items()}
