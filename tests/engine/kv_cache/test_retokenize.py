"""A conversation that comes back is read in the tokens it was said in."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.kv_cache.retokenize import retokenized
from gguf_fc.engine.model import Vocabulary

WORDS = ["".join(letters) for n in (1, 2, 3) for letters in product("ab", repeat=n)]
VOCABULARY = Vocabulary(
    pieces=(*(word.encode() for word in WORDS), b"<end>", b"a", b""),
    special=frozenset({len(WORDS), len(WORDS) + 1}),
    ends=frozenset({len(WORDS)}),
)
END = len(WORDS)
FORGED = END + 1  # a control token that is written like ordinary text
EMPTY = END + 2
Tokens = list[int]


def tokens(text: str) -> Tokens:
    """Words between spaces, each a token; ``.`` is the control token."""
    return [END if word == "." else WORDS.index(word) for word in text.split()]


def spelled(sequence: Tokens) -> list[str]:
    """The text between control tokens, which stand for themselves."""
    parts = [""]
    for token in sequence:
        if token in VOCABULARY.special:
            parts += [str(token), ""]
        else:
            parts[-1] += VOCABULARY.pieces[token].decode()
    return parts


@pytest.mark.parametrize(
    ("prompt", "kept", "expected"),
    [
        ("aa b", "a a b", "a a b"),
        ("aa b . ab", "a ab . a", "a ab . ab"),
        ("aab . bb", "a a b .", "a a b . bb"),
        ("aab b", "a a", "aab b"),  # in the middle of a token nothing can be joined
        ("ab ba", "a bb", "ab ba"),
        ("a . b", "a b", "a . b"),
        ("a b", "a . b", "a b"),
        ("", "a", ""),
        ("a", "", "a"),
    ],
)
def test_what_is_kept_wins_up_to_the_last_place_where_both_end_a_token(
    prompt: str, kept: str, expected: str
) -> None:
    assert retokenized(tokens(prompt), tokens(kept), VOCABULARY)[0] == tokens(expected)


def test_a_control_token_is_never_taken_for_its_text() -> None:
    prompt, kept = tokens("b a a"), [*tokens("b"), FORGED, *tokens("a")]
    assert retokenized(prompt, kept, VOCABULARY) == (prompt, 1)
    assert retokenized(kept, prompt, VOCABULARY) == (kept, 1)


def test_a_token_that_spells_nothing_ends_it() -> None:
    prompt, kept = tokens("b aa"), [*tokens("b a"), EMPTY, *tokens("a")]
    assert retokenized(prompt, kept, VOCABULARY) == (prompt, 1)


any_tokens = st.lists(st.integers(0, EMPTY), max_size=20)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(any_tokens, any_tokens)
def test_the_text_never_changes_and_the_beginning_is_what_is_kept(
    prompt: Tokens, kept: Tokens
) -> None:
    found, n_kept = retokenized(prompt, kept, VOCABULARY)
    assert spelled(found) == spelled(prompt)
    assert found[:n_kept] == kept[:n_kept]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text("ab", max_size=20), st.data())
def test_the_same_text_is_replayed_as_a_whole(text: str, data: st.DataObject) -> None:
    def split() -> Tokens:
        found, at = [], 0
        while at < len(text):
            size = data.draw(st.integers(1, min(3, len(text) - at)))
            found.append(WORDS.index(text[at : at + size]))
            at += size
        return found

    prompt, kept = split(), split()
    assert retokenized([*prompt, END, *prompt], [*kept, END], VOCABULARY) == (
        [*kept, END, *prompt],
        len(kept) + 1,
    )
