"""GBNF: what it looks like, and that llama.cpp reads it as we mean it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from gguf_fc.grammar import (
    Builder,
    CharClass,
    Choice,
    Grammar,
    Literal,
    Node,
    Repeat,
    Sequence,
    Until,
    Without,
    schema_to_grammar,
)
from gguf_fc.grammar.values.formats import FORMATS
from tests.support.grammar_cases import NODES, SCHEMAS
from tests.support.lexing import LlamaGrammar, Vocabulary
from tests.support.models import DATA
from tests.support.patterns import PATTERN_CASES

A, B = Literal("a"), Literal("b")
LETTER = CharClass(((ord("a"), ord("z")),))

PRINTED: list[tuple[Node, str]] = [
    (Literal('a"\\\n\x00é😀'), 'root ::= "a\\"\\\\\\n\\x00\\xE9\\U0001F600"\n'),
    (CharClass(((45, 45), (91, 94)), negated=True), "root ::= [^\\x2D\\[-\\x5E]\n"),
    (Sequence((A, Choice((A, B)))), 'root ::= "a" ("a" | "b")\n'),
    (Repeat(Sequence((A, LETTER)), 1), 'root ::= ("a" [a-z])+\n'),
    (Repeat(Repeat(LETTER, 2, 2), 0, 1), "root ::= ([a-z]{2})?\n"),
    (Repeat(LETTER, 2, 5), "root ::= [a-z]{2,5}\n"),
    (Without(()), "root ::= [\\U00000000-\\U0010FFFF]*\n"),
    (
        Without(("ab",)),
        """root ::= without
without ::= ([^a] without | [a] without-2)?
without-2 ::= ([^ab] without | [a] without-2)?
""",
    ),
    (
        Until(("ab",)),
        """root ::= until
until ::= [^a] until | [a] until-2
until-2 ::= [^ab] until | [a] until-2 | [b]
""",
    ),
    (
        Repeat(LETTER, 0, 10_000),
        "root ::= item-x100{0,99} [a-z]{0,100}\nitem ::= [a-z]\nitem-x100 ::= item{100}\n",
    ),
]


@pytest.mark.parametrize(("node", "expected"), PRINTED)
def test_a_node_prints_as_gbnf(node: Node, expected: str) -> None:
    assert Grammar(Builder().build(node)).gbnf == expected


def test_counts_beyond_the_limit_are_split_exactly() -> None:
    for least, most in ((0, 1_001), (1_234, 1_234), (999, 5_432), (7, 12_345)):
        plain = Grammar(Builder().build(Repeat(LETTER, least, most)))
        assert "{0,1001}" not in plain.gbnf
        for count in (least, most, (least + most) // 2):
            assert plain.matches("x" * count)


@pytest.fixture(scope="module")
def vocabulary() -> Iterator[Vocabulary]:
    path = DATA / "vocab" / "ggml-vocab-llama-spm.gguf"
    if not path.exists():
        pytest.skip("no vocabulary; set GGUF_FC_DATA")
    with Vocabulary(path) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def letters(vocabulary: Vocabulary) -> dict[str, int]:
    return vocabulary.characters()


@pytest.mark.live
@pytest.mark.parametrize(("node", "accepts", "refuses"), NODES)
def test_llama_cpp_reads_a_node_as_the_matcher_does(
    node: Node,
    accepts: list[str],
    refuses: list[str],
    vocabulary: Vocabulary,
    letters: dict[str, int],
) -> None:
    grammar = LlamaGrammar(Grammar(Builder().build(node)).gbnf, vocabulary)
    assert [
        t for t in accepts if letters.keys() >= set(t) and not grammar.matches(t, letters)
    ] == []
    assert [t for t in refuses if letters.keys() >= set(t) and grammar.matches(t, letters)] == []


@pytest.mark.live
@pytest.mark.parametrize("spacing", [None, (", ", ": ")], ids=["free", "fixed"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_llama_cpp_reads_a_schema_as_the_matcher_does(
    name: str,
    spacing: tuple[str, str] | None,
    vocabulary: Vocabulary,
    letters: dict[str, int],
) -> None:
    schema, accepts, refuses = SCHEMAS[name]
    ours = schema_to_grammar(schema, spacing=spacing)
    theirs = LlamaGrammar(ours.gbnf, vocabulary)
    for text in [*accepts, *refuses]:
        if letters.keys() >= set(text):
            assert theirs.matches(text, letters) == ours.matches(text), text


@pytest.mark.live
@pytest.mark.parametrize(
    "node",
    [Repeat(LETTER, 0, 10_000), Repeat(LETTER, 5_000), Repeat(LETTER, 123_456, 2_345_678)],
    ids=["most", "least", "both"],
)
def test_llama_cpp_accepts_large_counts(node: Node, vocabulary: Vocabulary) -> None:
    assert LlamaGrammar(Grammar(Builder().build(node)).gbnf, vocabulary).is_valid()


@pytest.mark.live
@pytest.mark.parametrize(("pattern", "found", "absent"), PATTERN_CASES)
def test_llama_cpp_reads_a_pattern_as_the_matcher_does(
    pattern: str,
    found: list[str],
    absent: list[str],
    vocabulary: Vocabulary,
    letters: dict[str, int],
) -> None:
    if not found:
        return  # a pattern that nothing matches has no grammar
    grammar = schema_to_grammar({"type": "string", "pattern": pattern})
    theirs = LlamaGrammar(grammar.gbnf, vocabulary)
    for text in [*found, *absent]:
        if letters.keys() >= set(spelled := json.dumps(text)):
            assert theirs.matches(spelled, letters) == (text in found), spelled


@pytest.mark.live
@pytest.mark.parametrize("name", FORMATS)
def test_llama_cpp_can_run_a_format(name: str, vocabulary: Vocabulary) -> None:
    grammar = schema_to_grammar({"type": "string", "format": name})
    assert LlamaGrammar(grammar.gbnf, vocabulary).is_valid()


@pytest.mark.live
def test_llama_cpp_counts_what_was_split(vocabulary: Vocabulary, letters: dict[str, int]) -> None:
    grammar = LlamaGrammar(Grammar(Builder().build(Repeat(LETTER, 1_001, 1_203))).gbnf, vocabulary)
    found = [grammar.matches("x" * count, letters) for count in (1_000, 1_001, 1_203, 1_204)]
    assert found == [False, True, True, False]
