"""Bounds on strings: exact as conditions, and the same language in every print."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import JSON, PYTHON, Builder, Grammar, Notation
from gguf_fc.grammar.values.spelling import Spelling
from gguf_fc.grammar.values.strings import StringBound, exact_pattern, loosened, text_rule
from tests.support.lexing import LlguidanceGrammar
from tests.support.patterns import PATTERN_CASES, PATTERNS

RAW = Notation(escapes="none")
TEXTS = st.text('ab1 .é😀\n"\\', max_size=6)
BOUNDS = st.builds(
    StringBound,
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 5)),
    st.lists(st.sampled_from(["^a", "b$", "[^é]$", r"^\w*$", "^(?!ab)"]), max_size=2).map(tuple),
    st.just(()),
    st.lists(st.sampled_from(["^a", r"\n", "b"]), max_size=1).map(tuple),
    st.just(()),
    st.lists(st.sampled_from(["", "a", "ab", "é\n"]), max_size=2).map(tuple),
)


def grammar(bound: StringBound, notation: Notation, stops: tuple[str, ...] = ()) -> Grammar:
    builder = Builder()
    return Grammar(builder.build(text_rule(bound, Spelling(builder, notation), stops)))


def holds(bound: StringBound, text: str) -> bool:
    """What a bound means, by another engine."""
    return (
        bound.min_length <= len(text) <= (99 if bound.max_length is None else bound.max_length)
        and all(re.search(p.replace("$", r"\Z"), text, re.ASCII) for p in bound.patterns)
        and not any(re.search(p, text, re.ASCII) for p in bound.not_patterns)
        and text not in bound.excluded
    )


@pytest.mark.parametrize(("pattern", "found", "absent"), PATTERN_CASES)
def test_a_pattern_has_the_same_language_in_every_print(
    pattern: str, found: list[str], absent: list[str]
) -> None:
    bound = StringBound(patterns=(pattern,))
    assert loosened(bound) == ()
    assert bound.is_empty == (not found)
    if not found:
        return
    ours = grammar(bound, JSON)
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in [*found, *absent]:
        for spelled in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
            assert ours.matches(spelled) == (text in found), spelled
            assert theirs.matches(spelled) == (text in found), spelled


@settings(max_examples=150, derandomize=True, deadline=None)
@given(PATTERNS, st.integers(0, 2), st.one_of(st.none(), st.integers(2, 5)), st.lists(TEXTS))
def test_random_patterns_with_lengths_print_alike(
    pattern: str, least: int, most: int | None, texts: list[str]
) -> None:
    bound = StringBound(least, most, (pattern,))
    ours = grammar(bound, RAW)
    if bound.is_empty:
        with pytest.raises(GrammarError, match="nothing can match"):
            ours.matches("")
        return
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in texts:
        assert ours.matches(text) == theirs.matches(text) == bound.accepts(text), text


@settings(max_examples=200, derandomize=True, deadline=None)
@given(BOUNDS, BOUNDS, TEXTS)
def test_bounds_meet_and_have_complements(a: StringBound, b: StringBound, text: str) -> None:
    assert a.accepts(text) == holds(a, text)
    assert a.meet(b).accepts(text) == (holds(a, text) and holds(b, text))
    assert any(other.accepts(text) for other in a.complement()) != holds(a, text)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(BOUNDS, st.sampled_from([JSON, PYTHON, RAW]), st.lists(TEXTS, min_size=1, max_size=4))
def test_random_bounds_print_alike_in_every_notation(
    bound: StringBound, notation: Notation, texts: list[str]
) -> None:
    if bound.is_empty:
        assert not any(holds(bound, text) for text in texts)
        return
    ours = grammar(bound, notation)
    theirs = LlguidanceGrammar(ours.llguidance())
    for text in texts:
        spelled = notation.escaped(text)
        if spelled is not None:
            assert ours.matches(spelled) == theirs.matches(spelled) == holds(bound, text), text


@pytest.mark.parametrize(
    "bound",
    [
        StringBound(3, 2),
        StringBound(patterns=("^a", "^b")),
        StringBound(1, 1, patterns=("ab",)),
        StringBound(patterns=("^(a|b)$",), excluded=("a", "b")),
        StringBound(formats=("date",), not_patterns=("-",)),
    ],
)
def test_contradictions_are_empty(bound: StringBound) -> None:
    assert bound.is_empty
    assert not StringBound().is_empty


def test_what_is_not_enforced_is_named_with_its_reason() -> None:
    bound = StringBound(patterns=("^a", r"(a)\1"), formats=("date", "color"))
    assert loosened(bound) == (
        ("pattern", "a reference to an earlier group, at character 4 of the expression"),
        ("format", "'color' is not a format that is enforced"),
    )
    assert grammar(StringBound(patterns=("^a", r"(a)\1")), RAW).matches("ab")


def test_an_automaton_without_an_expression_is_loosened() -> None:
    looking_back_in_a_loop = r"^(?:(?<!-)[a-z]|[0-9-]){1,40}$"
    assert loosened(StringBound(patterns=(looking_back_in_a_loop,))) == (
        ("pattern", "its automaton is too large to be written as an expression"),
    )


def test_lengths_too_large_for_an_automaton_are_loosened_last() -> None:
    bound = StringBound(0, 50_000, patterns=("^[a-z]+[0-9]*$",))
    assert [keyword for keyword, _ in loosened(bound)] == ["maxLength"]
    ours = grammar(bound, RAW)
    assert ours.matches("abc1")
    assert not ours.matches("1")


def test_large_counts_of_one_kind_of_character_are_counted() -> None:
    bound = StringBound(10, 50_000, patterns=("^[a-z]+$",))
    assert loosened(bound) == ()
    ours = grammar(bound, RAW)
    assert not ours.matches("a" * 9)
    assert ours.matches("a" * 20_000)
    assert not ours.matches("a" * 50_001)


def test_patterns_too_large_together_are_loosened_one_by_one() -> None:
    digits = tuple(f"{digit}.{{6}}{digit}" for digit in range(4))
    bound = StringBound(patterns=digits)
    kept = grammar(bound, RAW)
    assert ("pattern", "together with its siblings it is too large") in loosened(bound)
    assert kept.matches("".join(f"{d}xxxxxx{d}" for d in range(4)))
    assert not kept.matches("x")


def test_a_text_ends_before_a_stop_could_begin_in_it() -> None:
    for bound in (StringBound(), StringBound(0, 9)):
        ours = grammar(bound, RAW, ("</p>", "aba"))
        theirs = LlguidanceGrammar(ours.llguidance())
        for text, allowed in (("", True), ("</p", True), ("b", True), ("xa", True), ("xab", False)):
            assert ours.matches(text) == theirs.matches(text) == allowed, text
        assert not ours.matches("x</p>")
        assert not theirs.matches("aba")


def test_the_exact_pattern_of_a_text_matches_nothing_else() -> None:
    text = "a.b*c\n^$(|)[x]{2}\\/é-"
    bound = StringBound(patterns=(exact_pattern(text),))
    assert bound.accepts(text)
    assert not bound.accepts(text + "x")
    assert not bound.accepts(text.replace(".", "x"))


def test_conditions_that_every_string_fulfils_are_left_out() -> None:
    assert StringBound(1, 9, patterns=(".*", "")).simplified() == StringBound(1, 9)
    assert StringBound(patterns=("a",)).simplified() == StringBound(patterns=("a",))
    assert loosened(StringBound(0, 100_000)) == ()
    unknown = StringBound(0, 100_000, formats=("color",))
    assert unknown.simplified() == StringBound(0, 100_000)
    assert [keyword for keyword, _ in loosened(unknown)] == ["format"]


def test_half_a_character_is_in_no_text() -> None:
    ours = grammar(StringBound(excluded=("\ud800", "a")), JSON)
    theirs = LlguidanceGrammar(ours.llguidance())
    for text, allowed in (("b", True), ("\\ud83d\\ude00", True), ("\\ud83d", False), ("a", False)):
        assert ours.matches(text) == theirs.matches(text) == allowed, text
