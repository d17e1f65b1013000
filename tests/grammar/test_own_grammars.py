"""Grammars of regular expressions and of given texts, matched and in both notations."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import gbnf_to_grammar, regex_to_grammar, texts_to_grammar

SAMPLES = ["", "a", "ab", "aab", "2026-11-29", "12", "yes", "no", 'x"\\\n', "é", "a\nb", "ID-7"]


@pytest.mark.parametrize(
    "pattern",
    [
        "a+b?",
        r"\d{4}-\d{2}-\d{2}",
        "(yes|no)",
        "^a$",
        r"[\s\S]*",
        ".*",
        "(?:ID|id)-[0-9]",
        r"\w+",
        'x"\\\\\\n',
        "a|",
    ],
)
def test_the_whole_text_matches_the_expression(pattern: str) -> None:
    grammar = regex_to_grammar(pattern)
    printed = gbnf_to_grammar(grammar.gbnf)
    assert grammar.llguidance()
    for text in SAMPLES:
        matches = re.fullmatch(pattern, text, re.ASCII) is not None
        assert grammar.matches(text) == matches, text
        assert printed.matches(text) == matches, text


@pytest.mark.parametrize("pattern", ["(", "[", r"(a)\1", "a{5,2}", "a(?=b)c"])
def test_an_expression_that_cannot_be_held_is_an_error(pattern: str) -> None:
    with pytest.raises(GrammarError):
        regex_to_grammar(pattern).llguidance()


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=5), st.text(max_size=6))
def test_one_of_the_texts_and_nothing_else_is_written(texts: list[str], other: str) -> None:
    grammar = texts_to_grammar(texts)
    printed = gbnf_to_grammar(grammar.gbnf)
    for text in (*texts, other, texts[0] + "x"):
        assert grammar.matches(text) == (text in texts)
        assert printed.matches(text) == (text in texts)
