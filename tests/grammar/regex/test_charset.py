"""Sets of characters behave as sets."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.grammar.regex import charset
from gguf_fc.grammar.regex.charset import Charset

SETS: st.SearchStrategy[Charset] = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair)))
).map(charset.charset)


def members(characters: Charset) -> set[int]:
    return {code for code in range(300) if charset.contains(characters, code)}


@settings(max_examples=200, derandomize=True, deadline=None)
@given(SETS, SETS)
def test_operations_are_those_of_sets(a: Charset, b: Charset) -> None:
    every = set(range(300))
    assert members(charset.union(a, b)) == members(a) | members(b)
    assert members(charset.intersection(a, b)) == members(a) & members(b)
    assert members(charset.difference(a, b)) == members(a) - members(b)
    assert members(charset.complement(a)) == every - members(a)
    assert charset.complement(charset.complement(a)) == a


def test_ranges_that_touch_are_joined() -> None:
    assert charset.charset([(5, 6), (1, 2), (3, 4), (9, 9)]) == ((1, 6), (9, 9))


def test_a_category_holds_the_characters_unicode_puts_there() -> None:
    for name in ("Lu", "Nd", "P", "Letter", "gc=Zs", "General_Category=Sm"):
        found = charset.category(name)
        assert found is not None
        short = {"Letter": "L", "gc=Zs": "Zs", "General_Category=Sm": "Sm"}.get(name, name)
        for code in (0x20, 0x41, 0x61, 0x2B, 0x660, 0x21, 0x1C5, 0x1D7D8, 0x3000):
            expected = unicodedata.category(chr(code)).startswith(short)
            assert charset.contains(found, code) == expected, (name, hex(code))


def test_categories_that_are_made_of_others_and_those_unknown() -> None:
    assert charset.category("Any") == charset.ALL
    assert charset.category("ASCII") == ((0, 0x7F),)
    cased = charset.category("LC")
    assert cased is not None
    assert charset.contains(cased, ord("a"))
    assert not charset.contains(cased, 0x4E00)
    assert charset.category("Script=Greek") is None
    assert charset.category("Nonsense") is None


def test_the_other_case_is_added_where_it_is_one_character() -> None:
    assert charset.both_cases(charset.of("aÉß")) == charset.of("aAéÉß")
