"""Grammars with too many ways on, and repetitions that are rewritten so that they have few."""

from __future__ import annotations

import time

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Grammar, parse_gbnf, schema_to_grammar
from tests.support.grammar_cases import SCHEMAS


def doubling(n: int) -> str:
    """A text of one letter that can be read in 2 to the *n* ways."""
    rules = [f"r{at} ::= r{at + 1}? r{at + 1}?" for at in range(n)]
    return "\n".join(["root ::= r0", *rules, f'r{n} ::= "a"'])


FEW = [
    'root ::= ("a"?){1000}',
    'root ::= (("a"?){100}){100} "b"',
    'root ::= (("a" | "")*)*',
    'root ::= "(" root? ")" root? | "x"',
    "root ::= " + " | ".join(f'"{n}"' for n in range(2_000)),
    "root ::= ws ws [a] ws\nws ::= [ \\t]*",
    doubling(3),
    "root ::= " + '"a"? ' * 8 + "[b]",
]
MANY = [
    "root ::= " + " | ".join(f'"{n}"' for n in range(4_000)),
    'root ::= "x" (' + " | ".join(f'"{n}"' for n in range(4_000)) + ")",
    doubling(4),
    doubling(200),
    'root ::= "x" a? b? a? b?\na ::= c? c? c?\nb ::= c? c? c?\nc ::= "y"?',
    'root ::= x{20}\nx ::= "a"?',
]


@pytest.mark.parametrize("text", FEW)
def test_what_a_sampler_can_run_in_time_is_let_through(text: str) -> None:
    Grammar(parse_gbnf(text)).refuse_crowded()


@pytest.mark.parametrize("text", MANY)
def test_what_it_cannot_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(GrammarError, match="ways on at one place"):
        Grammar(parse_gbnf(text)).refuse_crowded()
    assert time.process_time() - started < 3


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_ordinary_schema_is_refused(name: str) -> None:
    schema_to_grammar(SCHEMAS[name][0]).refuse_crowded()


@pytest.mark.parametrize(
    ("text", "printed", "accepts", "refuses"),
    [
        ('("a"?){3}', '"a"{0,3}', ["", "aaa"], ["aaaa"]),
        ('("a"{0,2}){1,3}', '"a"{0,6}', ["", "a" * 6], ["a" * 7]),
        ('("a"*){2,3}', '"a"*', ["", "a" * 9], ["b"]),
        ('("a"+){2,3}', '"a"{2,}', ["aa", "a" * 9], ["", "a"]),
        ('("a"+)?', '"a"*', ["", "aaa"], ["b"]),
        ('("a" | "")+', '"a"*', ["", "aaa"], ["b"]),
        ('("a" "b"?){2}', '("a" "b"?){2}', ["aa", "abab"], ["", "a"]),
    ],
)
def test_a_repeated_item_is_never_empty(
    text: str, printed: str, accepts: list[str], refuses: list[str]
) -> None:
    grammar = Grammar(parse_gbnf(f"root ::= {text}"))
    assert grammar.gbnf == f"root ::= {printed}\n"
    again = Grammar(parse_gbnf(grammar.gbnf))
    for reading in (grammar, again):
        assert [text for text in accepts if not reading.matches(text)] == []
        assert [text for text in refuses if reading.matches(text)] == []
