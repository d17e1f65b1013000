"""Grammars that fix more text than any reply can have."""

from __future__ import annotations

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import gbnf_to_grammar, schema_to_grammar

LONG = [
    'root ::= "a"{100001}',
    'root ::= "a"{1000000}',
    'root ::= "b" | ("a"{1000}){1000}',
    'root ::= "x" r{400}\nr ::= s{400}\ns ::= "ab"',
    'root ::= [a-z] "a"{60000} r "b"{60000} [a-z]\nr ::= "c"',
    'root ::= "(" root ")" | "' + "a" * 101_000 + '"',
    "root ::= r0\n" + "".join(f"r{n} ::= r{n + 1} r{n + 1}\n" for n in range(20)) + 'r20 ::= "a"',
]
SHORT = [
    'root ::= "a"{100000}',
    'root ::= "x" r{400}\nr ::= s{400}\ns ::= [a-z]',
    'root ::= "a"{0,1000000}',
    'root ::= r* "." | r{3}\nr ::= "(" root ")" | [a-z]{0,1000}',
    "root ::= " + " | ".join(f'"{n}"' for n in range(20_000)),
    "\n".join(["root ::= r0", *(f'r{n} ::= "a" r{n + 1}' for n in range(4_000)), 'r4000 ::= "a"']),
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_what_no_reply_can_hold_is_refused(text: str) -> None:
    with pytest.raises(GrammarError, match="more than 100,000 characters"):
        gbnf_to_grammar(text).matches("a")
    with pytest.raises(GrammarError, match="more than 100,000 characters"):
        gbnf_to_grammar(text).llguidance()
    with pytest.raises(GrammarError, match="more than 100,000 characters"):
        gbnf_to_grammar(text).refuse_crowded()


@pytest.mark.parametrize("text", SHORT, ids=range(len(SHORT)))
def test_what_may_be_short_is_not(text: str) -> None:
    assert gbnf_to_grammar(text).llguidance()


def test_a_schema_can_fix_too_much_as_well() -> None:
    with pytest.raises(GrammarError, match="more than 100,000 characters"):
        schema_to_grammar({"const": "x" * 200_000}).llguidance()
    assert schema_to_grammar({"type": "string", "maxLength": 1_000_000}).llguidance()
