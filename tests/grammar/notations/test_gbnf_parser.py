"""GBNF that users write: what is read, what is refused, and that printing can be undone."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    Grammar,
    Node,
    gbnf_to_grammar,
    parse_gbnf,
    schema_to_grammar,
)
from tests.support.grammar_cases import NODES, SCHEMAS
from tests.support.models import DATA

CASES: dict[str, tuple[str, list[str], list[str]]] = {
    "literals and escapes": (
        r'root ::= "a\"\\\n\x41\u00e9\U0001F600"',
        ['a"\\\nAé😀'],
        ["a"],
    ),
    "classes": (r"root ::= [a-c\]\-] [^x\n] .", ["a\t?", "]yz", "-yé"], ["dyz", "axz", "ay"]),
    "a minus at the end of a class": ("root ::= [a-]", ["a", "-"], ["b"]),
    "alternatives over several lines": (
        'root ::= "a" | # first\n  "b" |\n"c"\n',
        ["a", "b", "c"],
        ["ab"],
    ),
    "groups over several lines": ('root ::= (\n "a"\n "b"\n)*\n', ["", "abab"], ["a"]),
    "an empty alternative": ('root ::= x "b"\nx ::= | "a"', ["b", "ab"], ["a"]),
    "counts": (
        'root ::= "a"{2} "b"{1,} "c"{0,2} "d"{,2}'.replace(' "d"{,2}', ' "d"{ 1 , 2 }?'),
        ["aab", "aabbccdd"],
        ["ab", "aa", "aabccc", "aabddd"],
    ),
    "a count counts the last element": (
        'root ::= "x" ("a" | "b")+ [0-9]?',
        ["xab1"],
        ["x", "xa12"],
    ),
    "rules in any order and recursion": (
        'list ::= "[" (list ("," list)*)? "]"\nroot ::= list\n',
        ["[]", "[[],[[]]]"],
        ["[", "[,]"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_grammar_is_read(name: str) -> None:
    text, accepts, refuses = CASES[name]
    grammar = Grammar(parse_gbnf(text))
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


REFUSED = [
    ("", "no rule 'root'"),
    ('a ::= "x"', "no rule 'root'"),
    ("root", "line 1, column 5: expected '::='"),
    ("root ::= a", "not defined"),
    ('root ::= "a', "line 1, column 12: expected '\"'"),
    ("root ::= [a", "expected ']'"),
    ("root ::= [z-a]", "ends before it begins"),
    ('root ::= ("a"', "expected ')'"),
    ('root ::= "a" )', "expected the end of the line"),
    ('root ::= "\\q"', "expected a known escape"),
    ('root ::= "\\UFFFFFFFF"', "expected a Unicode character"),
    ('root ::= "a"{x}', "expected a count"),
    ('root ::= "a"{3,2}', "cannot be used"),
    ('root ::= "a"{999999999}', "cannot be used"),
    ("root ::= <think", "line 1, column 10: expected a token"),
    ("root ::= !x", "expected a token"),
    ("root ::= <>", "expected a token"),
    ("root ::= <[99999999999]>", "expected a token"),
    ("root ::= <[9999999999]>", "there is no token 9999999999"),
    ('root ::= "a"{2}+*', "more than 2 counts on one element"),
    (r'root ::= "\ud800"', "line 1, column 11: half of a surrogate pair"),
    ('root ::= "a"\nx ::= "b" y', "line 2, column 11: rule 'y' is not defined"),
    ('root ::= "a"\n x ::= "a"? x', "line 2, column 2: rule 'x' is left recursive"),
    ("\n".join(["root ::= a", *(f"a{n} ::= a" for n in range(6_000))]), "more than 5,000 rules"),
    ("root ::= " + "a" * 250_000, "250,000 characters at most"),
    ('root ::= root "a" | "b"', "left recursive"),
    ("root ::= " + "(" * 20_000, "groups in each other"),
    ('root ::= "a"\n\n !', "line 3, column 2: expected the name of a rule"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        Grammar(parse_gbnf(text)).matches("")
    assert message in str(caught.value)


@pytest.mark.parametrize(("node", "accepts", "refuses"), NODES)
def test_what_is_printed_reads_back(node: Node, accepts: list[str], refuses: list[str]) -> None:
    printed = Grammar(Builder().build(node)).gbnf
    again = Grammar(parse_gbnf(printed))
    assert [text for text in accepts if not again.matches(text)] == []
    assert [text for text in refuses if again.matches(text)] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_printed_of_a_schema_reads_back(name: str) -> None:
    schema, accepts, refuses = SCHEMAS[name]
    grammar = schema_to_grammar(schema)
    again = Grammar(parse_gbnf(grammar.gbnf))
    for text in [*accepts, *refuses]:
        assert again.matches(text) == grammar.matches(text), text


def real_cases() -> list[dict[str, Any]]:
    path = DATA / "schemas" / "gbnf_cases.jsonl"
    if not path.exists():
        pytest.skip("no grammars; set GGUF_FC_DATA")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_real_grammars_are_judged_rightly() -> None:
    for case in real_cases():
        if case.get("invalid"):
            with pytest.raises(GrammarError):
                Grammar(parse_gbnf(case["grammar"])).matches("")
            continue
        grammar = Grammar(parse_gbnf(case["grammar"]))
        assert [text for text in case["must_match"] if not grammar.matches(symbols(text))] == []
        assert [text for text in case["must_not_match"] if grammar.matches(symbols(text))] == []


def symbols(text: str) -> list[str]:
    """Characters and tokens; the cases write a token as U+00FF and four bytes."""
    found = re.findall(r"\xff(.{4})|(.)", text, re.DOTALL)
    return [f"<[{int.from_bytes(n.encode('latin-1'), 'big')}]>" if n else c for n, c in found]


def test_tokens_are_matched_as_such_and_never_as_text() -> None:
    grammar = Grammar(parse_gbnf('root ::= <think> (!</think>)* </think> [a-z]+ <[7]>? "<b>"?'))
    assert grammar.matches(["<think>", "h", "<[9]>", "</think>", "o", "k"])
    assert grammar.matches(["<think>", "</think>", "o", "<[7]>", *"<b>"])
    assert not grammar.matches("<think></think>ok")
    assert not grammar.matches(["<think>", "</think>", "<[7]>"])
    assert not grammar.matches(["<think>", "</think>", "o", *"<[7]>"])
    assert Grammar(parse_gbnf(grammar.gbnf)).matches(["<think>", "x", "</think>", "o"])


DEEPEST = 'root ::= "x" ' + '("a" | "b" ' * 60 + ")+*" * 60


@pytest.mark.parametrize(
    "text",
    [
        DEEPEST,
        "\n".join(
            ["root ::= r0", *(f"r{n} ::= r{n + 1} | [a]" for n in range(4_900)), "r4900 ::= .[b]?"]
        ),
        "root ::= " + '"a" [b]? ' * 25_000,
        "root ::= " + "|".join(f'"{n}"' for n in range(25_000)),
        "root ::= " + "(" * 60 + "|".join(f'"{n}"' for n in range(20_000)) + ")" * 60,
        "root ::= "
        + " ".join(f"r{n}" for n in range(4_900))
        + "".join(f'\nr{n} ::= "(" r{n}? ")"' for n in range(4_900)),
        'root ::= "a"{0,1000000}',
        "root ::= " + "(" * 8 + '"a"' + "){0,1000}" * 8,
    ],
    ids=[
        *("deep", "a chain of rules", "long", "wide", "deep and wide", "many rules"),
        *("counts", "counts of counts"),
    ],
)
def test_the_largest_grammars_are_printed_in_a_moment(text: str) -> None:
    started = time.process_time()
    grammar = gbnf_to_grammar(text)
    assert len(grammar.gbnf) < 20_000_000
    assert grammar.llguidance({})
    assert time.process_time() - started < 10
