"""Patterns mean what ECMA-262 says; what cannot be an automaton says why."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.grammar.regex.automaton import regex_automaton
from gguf_fc.grammar.regex.parse import Unsupported, parse_regex, search
from tests.support.patterns import PATTERN_CASES, PATTERNS


@pytest.mark.parametrize(("pattern", "found", "absent"), PATTERN_CASES)
def test_a_pattern_is_found_where_it_should_be(
    pattern: str, found: list[str], absent: list[str]
) -> None:
    automaton = regex_automaton(search(parse_regex(pattern)))
    assert [text for text in found if not automaton.accepts(text)] == []
    assert [text for text in absent if automaton.accepts(text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "a reference to an earlier group, at character 4"),
        (r"(?<n>a)\k<n>", "a reference to an earlier group"),
        (r"\p{Script=Greek}", "the Unicode property 'Script=Greek'"),
        (r"\q", r"the escape \q"),
        ("a\\", "nothing after a backslash"),
        (r"\u{110000}", "a character beyond Unicode"),
        ("a**", "a count of a count"),
        ("*a", "a count with nothing before it"),
        ("a{2,1}", "a count that cannot be used"),
        ("a{1,99999}", "a count that cannot be used"),
        ("(a", "a group that is not closed"),
        ("a)", "a closing bracket without an opening one"),
        ("[a", "a class that is not closed"),
        ("[b-a]", "a range that ends before it begins"),
        ("(?>a)", "a group of a kind that is not known"),
        ("(" * 100, "more than 60 groups in each other"),
        ("a" * 20_001, "longer than 20000 characters"),
        ("(?<=a$)b", "looks behind in a way that depends on what follows"),
        ("a(?=(?<=a)b)", "looks behind from inside a look ahead"),
        ("(a{1000}){1000}", "more than 20000 places"),
        ("(a|b)*a(a|b){20}", "more than 3000 states"),
        ("(a?){500}a{500}", "takes too long to build"),
    ],
)
def test_what_cannot_be_an_automaton_says_why(pattern: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=re.escape(reason)):
        regex_automaton(search(parse_regex(pattern)))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(PATTERNS, st.lists(st.text("ab1 .", min_size=1, max_size=5), min_size=5, max_size=5))
def test_random_patterns_agree_with_another_engine(pattern: str, texts: list[str]) -> None:
    # No empty text: Python's re says that \\B is not found in it.
    automaton = regex_automaton(search(parse_regex(pattern)))
    other = re.compile(pattern, re.ASCII)
    for text in texts:
        assert automaton.accepts(text) == (other.search(text) is not None), text
