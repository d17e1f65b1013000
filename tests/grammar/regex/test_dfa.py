"""Automata: what they accept, how many states they have, and what is made of several."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.grammar.regex.automaton import regex_automaton
from gguf_fc.grammar.regex.dfa import Dfa, TooLarge, among, counted, meet, partition
from gguf_fc.grammar.regex.parse import parse_regex

PATTERNS = st.sampled_from(["a*", "(ab)*", "[ab]{2,4}", "a|bb|", "(a|b)*a", "a+b+", "(aa|b)*"])
TEXTS = st.text("abc", max_size=6)


def automaton(pattern: str) -> Dfa:
    return regex_automaton(parse_regex(pattern))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    PATTERNS, PATTERNS, st.sampled_from([True, False]), st.integers(0, 4), st.integers(0, 5), TEXTS
)
def test_meeting_is_and_and_not_and_so_many(
    one: str,
    other: str,
    wanted: bool,  # noqa: FBT001  drawn
    least: int,
    most: int,
    text: str,
) -> None:
    both = meet([(automaton(one), True), (automaton(other), wanted)], 1_000)
    met = counted(both, least, most, 1_000)
    expected = (
        re.fullmatch(one, text) is not None
        and (re.fullmatch(other, text) is not None) == wanted
        and least <= len(text) <= most
    )
    assert met.accepts(text) == expected


def test_equal_states_are_one() -> None:
    assert len(automaton("(a|b)(c|d)|(a|b)(d|c)").moves) == 3
    assert len(automaton("(foo|boo)*").moves) == len(automaton("((f|b)oo)*").moves)


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest"),
    [("a{2,5}", 2, 5), ("ab*", 1, None), ("", 0, 0), ("(a|bcd)", 1, 3), ("(a(b|cd)*)?", 0, None)],
)
def test_the_shortest_and_the_longest_text_are_known(
    pattern: str, shortest: int, longest: int | None
) -> None:
    found = automaton(pattern)
    assert (found.shortest, found.longest) == (shortest, longest)


@pytest.mark.parametrize(
    ("pattern", "run"),
    [("a*", (((97, 97),), 0)), ("[ab]{3,}", (((97, 98),), 3))]
    + [(pattern, None) for pattern in ("ab*", "a{2,3}", "(aa)*", "a?", "(aa)*a", "a|b+")],
)
def test_a_run_of_one_kind_of_character_is_recognised(pattern: str, run: object) -> None:
    assert automaton(pattern).run == run


def test_whether_there_is_a_text_of_a_length_is_known() -> None:
    found = automaton("(aaa)+|b{7}")
    lengths = [length for length in range(12) if found.has_length(length, length)]
    assert lengths == [3, 6, 7, 9]
    assert found.has_length(1_000, None)
    assert not found.has_length(4, 5)
    assert not automaton("a{3}").has_length(4, None)
    assert not automaton("[]").has_length(0, None)


def test_a_contradiction_is_empty() -> None:
    met = meet([(automaton("a+"), True), (automaton("a*"), False)], 100)
    assert met.is_empty
    assert not met.accepts("")
    assert (met.shortest, met.longest) == (0, 0)


def test_exactly_the_listed_texts_are_among_them() -> None:
    found = among(["ab", "", "é", "abc"])
    assert [t for t in ("", "ab", "abc", "é") if not found.accepts(t)] == []
    assert [t for t in ("a", "abcd", "e", "b") if found.accepts(t)] == []


def test_every_text_is_accepted_from_the_state_that_says_so() -> None:
    assert automaton("[^]*").is_all(0)
    assert not automaton(".*").is_all(0)


def test_the_limit_of_states_is_kept() -> None:
    with pytest.raises(TooLarge):
        counted(automaton("[ab]*"), 200, None, 100)


def test_letters_never_lie_across_a_set() -> None:
    alphabet, letters = partition([((0x61, 0x66),), ((0x63, 0x7A),)])
    assert sorted(alphabet[at] for at in letters[((0x61, 0x66),)]) == [
        ((0x61, 0x62),),
        ((0x63, 0x66),),
    ]
