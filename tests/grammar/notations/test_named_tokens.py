"""Which control tokens a grammar asks for."""

from __future__ import annotations

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    CharClass,
    Grammar,
    Literal,
    Node,
    Repeat,
    Special,
    Until,
    Without,
    gbnf_to_grammar,
)
from gguf_fc.grammar import Sequence as Row

SPECIAL = {"<a>": 1, "<a><b>": 2, "<b>": 3, "<c>": 4}


@pytest.mark.parametrize(
    ("node", "tokens"),
    [
        (Literal("x <a> y <c>"), {1, 4}),
        (Literal("<a><b>"), {2}),  # the longest that begins there
        (Until(("<b>!", "<c>")), {3, 4}),
        (Without(("<a>",)), set()),
        (Row((Without(("<a>",)), Literal("<b>"))), {3}),
        (Repeat(CharClass(((60, 62),))), set()),
        (Special("<a>"), {1}),
        (Special(7), {7}),
        (Special("<a>", negated=True), {1, 2, 3, 4}),
    ],
)
def test_tokens_that_are_asked_for(node: Node, tokens: set[int]) -> None:
    assert Grammar(Builder().build(node)).tokens(SPECIAL) == tokens


def test_control_tokens_stay_whole_where_a_grammar_is_read_by_character() -> None:
    grammar = gbnf_to_grammar('root ::= "x<a><b>y" root? ")"')
    assert '"x" <[2]> "y"' in grammar.llguidance(SPECIAL)


def test_a_token_that_is_not_in_the_vocabulary_is_named() -> None:
    grammar = Grammar(Builder().build(Special("<d>")))
    for use in (grammar.tokens, grammar.llguidance):
        with pytest.raises(GrammarError, match="no control token '<d>'"):
            use(SPECIAL)
