"""A reply whose beginning the prompt already holds is held to its grammar from there on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from gguf_fc.engine.constrain.constraint import Compile
from gguf_fc.engine.constrain.llama_grammar import SamplerGrammars
from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.grammar import Builder, Grammar, Literal, choice, sequence
from gguf_fc.job import GrammarText
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = write_random_model(tmp_path_factory.mktemp("model") / "random.gguf")
    with closing(Llama(in_process(path, n_ctx=512))) as model:
        yield model


@pytest.fixture(params=["llguidance", "llama.cpp"])
def compile_grammar(request: pytest.FixtureRequest, model: Llama) -> Compile:
    if request.param == "llguidance":
        return Grammars(model.vocabulary).compile
    return SamplerGrammars(model.vocabulary, model.open_grammar).compile


def grammar(begun: str) -> GrammarText:
    at = choice(Literal("left"), Literal("höher"))
    made = Grammar(Builder().build(sequence(Literal('{"at": "'), at, Literal('"}'))))
    return GrammarText(gbnf=made.gbnf, llguidance=made.llguidance({}), begun=begun)


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        ('{"at": "l', 'eft"}'),
        ('{"at": "hö', 'her"}'),
        ('{"at": "left"', "}"),
        ('{"at": "left"}', ""),
    ],
)
def test_a_reply_goes_on_from_what_was_begun(
    model: Llama, compile_grammar: Compile, begun: str, rest: str
) -> None:
    run = Run(model, compile_grammar)
    run.job("hello " + begun, grammar=grammar(begun))
    run.finish()
    assert (run.text(), run.done().finish_reason) == (rest, "stop")


@pytest.mark.parametrize("begun", ["{at", '{"at": "right', '{"at": "left"}}'])
def test_what_was_begun_must_have_the_form_of_the_grammar(
    model: Llama, compile_grammar: Compile, begun: str
) -> None:
    run = Run(model, compile_grammar)
    run.job("hello", grammar=grammar(begun))
    assert "does not have the form" in run.failed().message
