"""Users' GBNF through the whole chain: read, printed, run by both engines on a real vocabulary."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import gbnf_to_grammar
from tests.support.lexing import LlamaGrammar, LlguidanceGrammar, Vocabulary
from tests.support.models import DATA

pytestmark = pytest.mark.live

CASES = DATA / "schemas" / "gbnf_cases.jsonl"
TOKENS = {f"<[{number}]>": number for number in range(10, 30)}


@pytest.fixture(scope="module")
def vocabulary() -> Iterator[Vocabulary]:
    path = DATA / "vocab" / "ggml-vocab-qwen2.gguf"
    if not path.exists() or not CASES.exists():
        pytest.skip("no vocabulary or grammars; set GGUF_FC_DATA")
    with Vocabulary(path) as opened:
        yield opened


def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text().splitlines()]


def symbols(text: str) -> list[str]:
    """Characters and tokens; the cases write a token as U+00FF and four bytes."""
    found = re.findall(r"\xff(.{4})|(.)", text, re.DOTALL)
    return [f"<[{int.from_bytes(n.encode('latin-1'), 'big')}]>" if n else c for n, c in found]


def test_both_engines_judge_real_grammars_rightly(vocabulary: Vocabulary) -> None:
    numbers = vocabulary.characters() | TOKENS
    judged = 0
    for case in cases():
        try:
            grammar = gbnf_to_grammar(case["grammar"])
            gbnf, lark = grammar.gbnf, grammar.llguidance()
        except GrammarError:
            assert case["invalid"]
            continue
        native = LlamaGrammar(gbnf, vocabulary)
        other = LlguidanceGrammar(lark, vocabulary.tokenizer)
        for expected in ("must_match", "must_not_match"):
            for text in map(symbols, case[expected]):
                if not set(text) <= numbers.keys():
                    continue
                judged += 1
                right = expected == "must_match"
                assert native.matches(text, numbers) == right, (case["name"], text)
                tokens = [numbers[symbol] for symbol in text]
                assert other.takes(tokens) == right, (case["name"], text)
    assert judged > 100


NAMES = ("root", "r", "s")


@st.composite
def grammars(draw: st.DrawFn) -> str:
    """A small grammar over two letters: three rules that use each other."""
    leaf = st.sampled_from(['"a"', '"b"', '"ab"', "[ab]", "[^b]", '""'])
    named = st.sampled_from(NAMES).map(lambda name: f'"a" {name}')

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.tuples(inner, inner)
        counts = st.sampled_from(["*", "+", "?", "{2}", "{1,2}"])
        return st.one_of(
            pair.map(" ".join),
            pair.map(lambda both: f"({both[0]} | {both[1]})"),
            st.tuples(inner, counts).map(lambda parts: f"({parts[0]}){parts[1]}"),
        )

    bodies = st.recursive(st.one_of(leaf, leaf, named), grown, max_leaves=6)
    return "\n".join(f"{name} ::= {draw(bodies)}" for name in NAMES)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(grammars())
def test_any_grammar_is_read_alike_by_character(text: str) -> None:
    try:
        grammar = gbnf_to_grammar(text)
        engine = LlguidanceGrammar(grammar.llguidance())
    except GrammarError:  # it can begin with itself, or nothing can match it
        return
    for length in range(5):
        for letters in itertools.product("ab", repeat=length):
            word = "".join(letters)
            assert engine.matches(word) == grammar.matches(word), word
