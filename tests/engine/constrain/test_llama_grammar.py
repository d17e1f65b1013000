"""llama.cpp's grammar sampler as a constraint: what it allows, and that nothing kills it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from gguf_fc.engine.constrain.llama_grammar import SamplerGrammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.engine.model import Vocabulary
from gguf_fc.errors import EngineError, GrammarError
from gguf_fc.grammar import Grammar, parse_gbnf
from gguf_fc.job import GrammarText, Sampling
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live

CALL = (
    r'root ::= "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \""'
    r' [A-Za-z ]{1,12} "\"}}\n</tool_call>"'
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = write_random_model(tmp_path_factory.mktemp("model") / "random.gguf")
    with closing(Llama(in_process(path, n_ctx=512))) as opened:
        yield opened


@pytest.fixture(scope="module")
def grammars(model: Llama) -> SamplerGrammars:
    return SamplerGrammars(model.vocabulary, model.open_grammar)


def text_of(model: Llama, gbnf: str) -> GrammarText:
    """A grammar as the server sends it."""
    pieces = model.vocabulary.pieces
    special = {pieces[token].decode(): token for token in model.vocabulary.special}
    grammar = Grammar(parse_gbnf(gbnf))
    return GrammarText(gbnf=grammar.gbnf, tokens=tuple(sorted(grammar.tokens(special))))


def token(model: Llama, piece: bytes) -> int:
    return model.vocabulary.pieces.index(piece)


def test_a_required_call_is_always_the_call(model: Llama, grammars: SamplerGrammars) -> None:
    run = Run(model, grammars.compile, n_parallel=4)
    for seed in range(8):
        sampling = Sampling(temperature=1, seed=seed)
        run.job("hello", str(seed), sampling=sampling, grammar=text_of(model, CALL))
    run.finish()
    for seed in range(8):
        text, done = run.text(str(seed)), run.done(str(seed))
        assert Grammar(parse_gbnf(CALL)).matches(text)
        assert done.finish_reason == "stop"
        assert done.forced_tokens == 0


def test_the_end_is_allowed_only_where_the_reply_is_whole(
    model: Llama, grammars: SamplerGrammars
) -> None:
    constraint = grammars.compile(text_of(model, 'root ::= "ab" | "abab"'))
    (end, *_) = model.vocabulary.ends
    a, b = token(model, b"a"), token(model, b"b")
    assert constraint.allows(a)
    assert not constraint.allows(b)
    assert not constraint.allows(end)
    for piece in (a, b):
        assert not constraint.accepting
        constraint.take(piece)
    assert constraint.allows(end)
    assert constraint.mask()[end]
    assert constraint.accepting
    assert not constraint.complete
    for piece in (a, b):
        constraint.take(piece)
    assert constraint.complete
    assert np.flatnonzero(constraint.mask()).tolist() == sorted(model.vocabulary.ends)


def test_a_token_that_is_refused_is_never_accepted(model: Llama, grammars: SamplerGrammars) -> None:
    constraint = grammars.compile(text_of(model, 'root ::= "a"'))
    for piece in (b"b", b"<|im_start|>", b"<|im_end|>"):
        with pytest.raises(EngineError, match="refuses the token"):
            constraint.take(token(model, piece))
    constraint.take(token(model, b"a"))
    assert constraint.complete


def test_free_text_holds_no_control_token_unless_the_grammar_names_it(
    model: Llama, grammars: SamplerGrammars
) -> None:
    start = token(model, b"<|im_start|>")
    free = grammars.compile(text_of(model, "root ::= .*"))
    assert not free.allows(start)
    assert not free.mask()[start]
    assert not free.allows(start)
    for named in ('root ::= .* "<|im_start|>"', "root ::= <|im_start|>", "root ::= (!<[7]>)+"):
        constraint = grammars.compile(text_of(model, named))
        assert constraint.allows(start), named
        assert constraint.mask()[start], named


def test_a_token_by_name_is_the_token_and_not_its_spelling(
    model: Llama, grammars: SamplerGrammars
) -> None:
    constraint = grammars.compile(text_of(model, 'root ::= <|im_start|> "a"'))
    assert np.flatnonzero(constraint.mask()).tolist() == [token(model, b"<|im_start|>")]


def test_jobs_with_one_grammar_do_not_meet(model: Llama, grammars: SamplerGrammars) -> None:
    text = text_of(model, 'root ::= "ab"')
    one, other = grammars.compile(text), grammars.compile(text)
    one.take(token(model, b"a"))
    assert one.allows(token(model, b"b"))
    assert other.allows(token(model, b"a"))


def test_no_character_is_left_unfinished(model: Llama, grammars: SamplerGrammars) -> None:
    constraint = grammars.compile(text_of(model, "root ::= [^x] [^x]"))
    lead, quote, rest = (token(model, piece) for piece in (b"\xc3", b'"', b"\xa9"))
    assert not constraint.allows(rest)
    constraint.take(lead)
    assert not constraint.accepting
    assert not constraint.allows(quote)
    assert constraint.allows(rest)
    continuations = {token(model, bytes([code])) for code in range(0x80, 0xC0)}
    assert set(np.flatnonzero(constraint.mask()).tolist()) <= continuations
    constraint.take(rest)
    assert constraint.allows(quote)
    assert not constraint.mask()[rest]


@pytest.mark.parametrize(
    ("gbnf", "message"),
    [
        ("root ::= nowhere", "cannot use this grammar"),
        ('root ::= "a', "cannot use this grammar"),
        ('root ::= root "a" | "b"', "cannot use this grammar"),
        ('x ::= "a"', "cannot use this grammar"),
        ("root ::= <no-such-token>", "cannot use this grammar"),
        ('root ::= (("a"){1000}){1000000}', "cannot use this grammar"),
        ("root ::= " + "(" * 20_000 + '"a"' + ")" * 20_000, "groups in each other"),
        ("root ::= " + '"a" ' * 5_000_000, "bytes"),
    ],
    ids=range(8),
)
def test_a_grammar_that_cannot_be_used_is_an_error(
    grammars: SamplerGrammars, gbnf: str, message: str
) -> None:
    with pytest.raises(GrammarError, match=message):
        grammars.compile(GrammarText(gbnf=gbnf))


def test_brackets_in_text_are_no_groups(grammars: SamplerGrammars) -> None:
    grammars.compile(GrammarText(gbnf='root ::= "' + "(" * 2_000 + '" [(\\]("]'))


def test_a_grammar_without_a_way_on_ends_its_job(model: Llama, grammars: SamplerGrammars) -> None:
    run = Run(model, grammars.compile)
    run.job("x", grammar=GrammarText(gbnf='root ::= "a" <[9999999]>'))
    run.finish()
    assert run.failed().code == "engine_error"


def test_a_vocabulary_without_an_end_is_refused() -> None:
    vocabulary = Vocabulary((b"a",), frozenset(), frozenset())
    with pytest.raises(EngineError, match="ends a reply"):
        SamplerGrammars(vocabulary, lambda _: pytest.fail("not reached"))
