"""Reasoning that is ended for the model: on llama.cpp itself, with random weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest

from gguf_fc.engine.constrain.build import limited
from gguf_fc.engine.constrain.constraint import Compile
from gguf_fc.engine.constrain.llama_grammar import SamplerGrammars
from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.errors import EngineError
from gguf_fc.grammar import Builder, Grammar, Literal, Until, Without, choice, sequence
from gguf_fc.job import Done, GrammarText, ReasoningLimit, Sampling, Segment
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.random_model import write_random_model
from tests.support.scripted_model import ScriptedModel, saying

pytestmark = pytest.mark.live

CONTROL, ORDINARY = ("<think>", "</think>"), ("[THINK]", "[/THINK]")
MARKS = pytest.mark.parametrize("marks", [CONTROL, ORDINARY], ids=["control", "ordinary"])
NEVER = -100.0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = write_random_model(tmp_path_factory.mktemp("model") / "random.gguf", controls=CONTROL)
    with closing(Llama(in_process(path, n_ctx=512))) as model:
        yield model


@pytest.fixture(params=["llguidance", "llama.cpp"])
def compile_grammar(request: pytest.FixtureRequest, model: Llama) -> Compile:
    if request.param == "llguidance":
        return Grammars(model.vocabulary).compile
    return SamplerGrammars(model.vocabulary, model.open_grammar).compile


def controls(model: Llama) -> dict[str, int]:
    pieces = model.vocabulary.pieces
    return {pieces[token].decode(): token for token in model.vocabulary.special}


def grammar(model: Llama, marks: tuple[str, str], *, opened: bool) -> GrammarText:
    """Reasoning and then "ok"; if the prompt has not *opened* it, perhaps something else."""
    thought = sequence(Until((marks[1],)), Literal("ok"))
    if not opened:
        thought = choice(sequence(Literal(marks[0]), thought), Literal("no"))
    made = Grammar(Builder().build(thought))
    special = controls(model)
    return GrammarText(
        gbnf=made.gbnf,
        llguidance=made.llguidance(special),
        tokens=tuple(sorted(made.tokens(special))),
    )


def limit(marks: tuple[str, str], tokens: int | None, *, opened: bool) -> ReasoningLimit:
    opening = "" if opened else marks[0]
    return ReasoningLimit(opening=opening, closing="\n" + marks[1], tokens=tokens)


def said(run: Run, **options: Any) -> tuple[str, Done]:
    run.job("hello", max_tokens=60, **options)
    run.finish()
    return run.text(), run.done()


def rare(model: Llama, *texts: str) -> tuple[tuple[int, float], ...]:
    """Biases by which the model itself never writes what begins like *texts*."""
    tokens = {model.tokenize((Segment(text),))[0] for text in texts}
    return tuple((token, NEVER) for token in sorted(tokens | model.vocabulary.ends))


@MARKS
@pytest.mark.parametrize("tokens", [0, 1, 9])
def test_a_block_that_the_prompt_has_opened_is_closed_after_so_many_tokens(
    model: Llama, compile_grammar: Compile, marks: tuple[str, str], tokens: int
) -> None:
    closer = "\n" + marks[1]
    text, done = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=3, logit_bias=rare(model, marks[1])),
        grammar=grammar(model, marks, opened=True),
        reasoning=limit(marks, tokens, opened=True),
    )
    assert text.endswith(closer + "ok")
    assert text.count(marks[1]) == 1
    after = len(model.tokenize((Segment(closer),))) + len("ok")
    assert tokens <= done.completion_tokens - after <= tokens + 4
    assert (text == closer + "ok") == (tokens == 0)


@MARKS
def test_a_block_that_the_model_opens_is_counted_from_its_mark(
    model: Llama, compile_grammar: Compile, marks: tuple[str, str]
) -> None:
    opened = model.tokenize((Segment(marks[0]),))[0]
    bias = ((opened, 100.0), *rare(model, marks[1])) if marks == CONTROL else ()
    text, _ = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=1, logit_bias=bias),
        grammar=grammar(model, marks, opened=False),
        reasoning=limit(marks, 0, opened=False),
    )
    assert text in (f"{marks[0]}\n{marks[1]}ok", "no")
    assert marks == ORDINARY or text.startswith(marks[0])


def test_the_end_inside_of_a_block_becomes_its_closing_mark(
    model: Llama, compile_grammar: Compile
) -> None:
    (end, *_) = model.vocabulary.ends
    text, done = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=1, logit_bias=((end, 100.0),)),
        grammar=grammar(model, CONTROL, opened=True),
        reasoning=limit(CONTROL, None, opened=True),
    )
    assert (text, done.finish_reason) == ("\n</think>ok", "stop")


def test_no_character_is_cut_in_two_by_the_closing_mark(
    model: Llama, compile_grammar: Compile
) -> None:
    begun = model.vocabulary.pieces.index(b"\xe2")  # of a character of three bytes
    text, _ = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=1, logit_bias=((begun, 60.0),)),
        grammar=grammar(model, CONTROL, opened=True),
        reasoning=limit(CONTROL, 1, opened=True),
    )
    thought = text.removesuffix("\n</think>ok")
    assert len(thought) == 1
    assert "\u2000" <= thought <= "\u2fff"


def test_a_block_that_the_model_closes_is_not_closed_again(
    model: Llama, compile_grammar: Compile
) -> None:
    closer = controls(model)["</think>"]
    text, _ = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=1, logit_bias=((closer, 100.0),)),
        grammar=grammar(model, CONTROL, opened=True),
        reasoning=limit(CONTROL, 1, opened=True),
    )
    assert text == "</think>ok"


def test_a_reply_that_does_not_reason_has_nothing_to_close(
    model: Llama, compile_grammar: Compile
) -> None:
    made = Grammar(Builder().build(Without(CONTROL)))
    text, done = said(
        Run(model, compile_grammar),
        sampling=Sampling(seed=1, logit_bias=rare(model)),
        grammar=GrammarText(gbnf=made.gbnf, llguidance=made.llguidance(controls(model))),
        reasoning=limit(CONTROL, 0, opened=False),
    )
    assert done.finish_reason == "length"
    assert "</think>" not in text


def test_a_mark_that_the_grammar_does_not_admit_fails_its_job_only(
    model: Llama, compile_grammar: Compile
) -> None:
    run = Run(model, compile_grammar)
    run.job(
        "hello",
        grammar=grammar(model, CONTROL, opened=True),
        reasoning=ReasoningLimit(opening="", closing="</think>no", tokens=0),
    )
    run.finish()
    assert "cannot be closed" in run.failed().message


def test_a_vocabulary_that_cannot_write_the_mark_can_have_no_limit(model: Llama) -> None:
    class Mute(ScriptedModel):
        def tokenize(self, segments: Sequence[Segment]) -> list[int]:
            return [ord("?") for _ in segments]

    inner = Grammars(model.vocabulary).compile(grammar(model, CONTROL, opened=True))
    mute = Mute(saying(""))
    assert limited(inner, limit(CONTROL, None, opened=True), mute) is inner
    with pytest.raises(EngineError, match="cannot write"):
        limited(inner, limit(CONTROL, 0, opened=True), mute)
