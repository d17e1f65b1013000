"""The matcher: every kind of node, and texts of any size."""

from __future__ import annotations

import time

import pytest

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import (
    Builder,
    CharClass,
    Choice,
    Grammar,
    Literal,
    Node,
    Reference,
    Repeat,
    Rules,
    Sequence,
    Until,
    optional,
)
from gguf_fc.grammar.match import Matcher
from tests.support.grammar_cases import NODES

A, B = Literal("a"), Literal("b")
LETTER = CharClass(((ord("a"), ord("z")),))


@pytest.mark.parametrize(("node", "accepts", "refuses"), NODES)
def test_a_node_matches_its_language(node: Node, accepts: list[str], refuses: list[str]) -> None:
    grammar = Grammar(Builder().build(node))
    assert [text for text in accepts if not grammar.matches(text)] == []
    assert [text for text in refuses if grammar.matches(text)] == []


def test_a_beginning_is_known_from_a_dead_end() -> None:
    matcher = Matcher(Builder().build(Sequence((A, Repeat(B), A))))
    assert [matcher.begins(text) for text in ("", "a", "abb", "aba")] == [True] * 4
    assert not matcher.begins("b")
    assert not matcher.begins("abaa")


def nested() -> Grammar:
    builder = Builder()
    inner = builder.reserve("inner")
    builder.fill(inner, optional(Sequence((Literal("["), inner, Literal("]")))))
    return Grammar(builder.build(inner))


def test_nesting_and_length_have_no_limit() -> None:
    started = time.perf_counter()
    assert nested().matches("[" * 20_000 + "]" * 20_000)
    assert not nested().matches("[" * 20_000 + "]" * 19_999)
    assert Grammar(Builder().build(Repeat(LETTER))).matches("x" * 100_000)
    assert time.perf_counter() - started < 20  # 2 s on a quiet machine


BROKEN: list[tuple[Rules, str]] = [
    (Rules({"root": Reference("a")}), "not defined"),
    (Rules({"a": A}), "no rule 'root'"),
    (Rules({"root": Sequence((Reference("root"), A))}), "nothing can match"),
    (Rules({"root": Choice((A, Sequence((Reference("root"), A))))}), "left recursive"),
    (
        Rules(
            {"root": Choice((A, Reference("x"))), "x": Sequence((optional(B), Reference("root")))}
        ),
        "left recursive",
    ),
    (Rules({"root": Choice(())}), "nothing can match"),
    (Rules({"root": Repeat(A, 3, 2)}), "nothing can match"),
    (Rules({"root": Until(())}), "nothing can match"),
]


@pytest.mark.parametrize(("rules", "message"), BROKEN)
def test_a_grammar_that_cannot_work_is_refused(rules: Rules, message: str) -> None:
    with pytest.raises(GrammarError, match=message):
        Grammar(rules).matches("a")


def test_dead_ends_are_pruned() -> None:
    dead = Choice(())
    node = Sequence((optional(dead), Choice((dead, A, Sequence((B, dead)))), Repeat(dead)))
    grammar = Grammar(Rules({"root": node, "unused": Reference("unused")}))
    assert grammar.gbnf == 'root ::= "a"\n'
