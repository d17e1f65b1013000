"""Characters of a string: every spelling a writer may use, and only those of the right ones."""

from __future__ import annotations

import ast
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.grammar import JSON, PYTHON, Builder, Grammar, Notation
from gguf_fc.grammar.regex.charset import Charset, charset, contains
from gguf_fc.grammar.values.spelling import Spelling

SETS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 0x180), st.integers(0xFF00, 0x10FFF), st.just(0x1F600)),
        st.integers(0, 0x300),
    ).map(lambda pair: (pair[0], min(sum(pair), 0x10FFFF))),
    min_size=1,
    max_size=3,
).map(charset)
CHARACTERS = st.one_of(
    st.characters(codec="utf-8", max_codepoint=0x180), st.characters(codec="utf-8")
)


def grammar(characters: Charset, notation: Notation) -> Grammar:
    builder = Builder()
    return Grammar(builder.build(Spelling(builder, notation).letter(characters)))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(SETS, st.lists(CHARACTERS, min_size=1, max_size=8))
def test_a_character_of_a_set_may_be_written_as_any_json_writer_does(
    characters: Charset, letters: list[str]
) -> None:
    found = grammar(characters, JSON)
    for letter in [*letters, *(chr(code) for part in characters for code in part)]:
        if "\ud800" <= letter <= "\udfff":
            continue
        inside = contains(characters, ord(letter))
        for text in (json.dumps(letter), json.dumps(letter, ensure_ascii=False)):
            assert found.matches(text[1:-1]) == inside, text


@settings(max_examples=100, derandomize=True, deadline=None)
@given(SETS, st.lists(CHARACTERS, min_size=1, max_size=8))
def test_a_character_of_a_set_may_be_written_as_python_does(
    characters: Charset, letters: list[str]
) -> None:
    found = grammar(characters, PYTHON)
    for letter in letters:
        inside = contains(characters, ord(letter))
        for text in (PYTHON.string(letter), ascii(letter)):
            assert text is not None
            if text.startswith("'"):
                assert ast.literal_eval(text) == letter
                latin = "\x80" <= letter <= "\xff" and text.isascii()  # \xe9: another escape
                assert found.matches(text[1:-1]) == (inside and not latin), text


def test_printable_ascii_has_one_spelling() -> None:
    found = grammar(((0x20, 0x7E),), JSON)
    assert found.matches("a")
    assert found.matches("/")
    assert not found.matches("\\u0061")
    assert not found.matches("\\/")


def test_without_escapes_a_character_is_itself() -> None:
    found = grammar(charset([(0, 0x10FFFF)]), Notation(escapes="none"))
    assert all(found.matches(letter) for letter in '"\\\n\x00é😀')
