"""Logprobs: what the model says, for sampled, forced and prompt tokens alike."""

from __future__ import annotations

import numpy as np
import pytest

from gguf_fc.engine.sample.logprobs import LEAST, score
from gguf_fc.job import Chunk, GrammarText, PromptScores, Sampling
from gguf_fc.scored_tokens import TokenLogprob
from tests.engine.test_loop import Script
from tests.support.engine import Run
from tests.support.scripted_model import END, ScriptedModel, saying

LIKELY = 10 - np.log(np.exp(10) + 256)  # the scripted model's row: one logit of 10, 256 of 0
UNLIKELY = LIKELY - 10
PIECES = (b"a", b"b", b"\xc3", b"d")


def scores(run: Run, name: str = "a") -> list[TokenLogprob]:
    return [token for m in run.of(name) if isinstance(m, Chunk) for token in m.logprobs]


def prompt_scores(run: Run, name: str = "a") -> list[TokenLogprob]:
    return [token for m in run.of(name) if isinstance(m, PromptScores) for token in m.logprobs]


def test_a_score_is_the_logarithm_of_the_softmax_and_the_top_is_in_order() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32)) + np.float32(7)
    scored = score(logits, 1, 3, PIECES)
    assert scored.logprob == pytest.approx(np.log(0.3), abs=1e-5)
    assert (scored.text, scored.bytes) == ("b", (98,))
    assert [token.text for token in scored.top] == ["a", "b", "\ufffd"]
    assert [token.logprob for token in scored.top] == pytest.approx(
        np.log([0.5, 0.3, 0.15]), abs=1e-5
    )
    assert score(logits, 0, 0, PIECES).top == ()


def test_an_impossible_token_has_a_score_that_json_can_say() -> None:
    logits = np.array([0, -np.inf, 0, 0], np.float32)
    assert score(logits, 1, 4, PIECES).logprob == LEAST


def test_every_token_of_the_text_has_its_score_and_the_end_has_none() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("0|", logprobs=2)
    run.finish()
    assert [token.text for token in scores(run)] == list("hello")
    assert all(token.logprob == pytest.approx(LIKELY, abs=1e-5) for token in scores(run))
    assert all(len(token.top) == 2 for token in scores(run))
    assert [token.top[0].text for token in scores(run)] == list("hello")


def test_without_being_asked_nothing_is_scored() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("0|")
    run.finish()
    assert scores(run) == prompt_scores(run) == []


def test_scores_are_those_before_biases_penalties_and_grammar() -> None:
    run = Run(ScriptedModel(saying("aaa")))
    sampling = Sampling(
        temperature=0, logit_bias=((ord("b"), 100.0),), frequency_penalty=2.0, repeat_penalty=1.5
    )
    run.job("0|", logprobs=0, sampling=sampling, max_tokens=1)
    run.finish()
    (token,) = scores(run)
    assert token.text == "b"
    assert token.logprob == pytest.approx(UNLIKELY, abs=1e-5)


@pytest.mark.parametrize("runs", [{3: 1}, {2: 2, 5: 3}, {0: 8}, {3: 5}, {0: 4, 5: 2}])
def test_forced_tokens_are_scored_by_what_the_model_would_have_said(runs: dict[int, int]) -> None:
    text = "abcdefgh"
    model = ScriptedModel(lambda tokens: b"abcXefgh."[len(tokens) - 1])
    run = Run(model, lambda _: Script(text, runs))
    run.job("x", logprobs=1, grammar=GrammarText(llguidance="script"))
    run.finish()
    assert run.text() == text
    assert [token.text for token in scores(run)] == list(text)
    expected = [UNLIKELY if letter == "d" else LIKELY for letter in text]
    assert [token.logprob for token in scores(run)] == pytest.approx(expected, abs=1e-5)
    assert scores(run)[3].top[0].text == "X"
    assert run.done().finish_reason == "stop"
    assert run.done().forced_tokens == sum(runs.values())


def test_scored_forced_tokens_are_still_decoded_together() -> None:
    run = Run(
        ScriptedModel(lambda tokens: b"abcdefgh."[len(tokens) - 1]),
        lambda _: Script("abcdefgh", {0: 3, 4: 2}),
    )
    run.job("x", logprobs=0, grammar=GrammarText(llguidance="script"))
    run.finish()
    assert run.done().completion_tokens == 8
    assert run.done().decode_steps == 3


def test_a_stop_string_takes_the_scores_of_its_tokens_with_it() -> None:
    run = Run(ScriptedModel(saying("one, two, three")))
    run.job("0|", stop=("two",), logprobs=0)
    run.finish()
    assert "".join(token.text for token in scores(run)) == run.text() == "one, "


def test_the_tokens_of_one_character_go_out_with_it() -> None:
    said = "é🦙".encode()
    run = Run(ScriptedModel(lambda tokens: (*said, END)[len(tokens) - 1]))
    run.job("x", logprobs=0)
    run.finish()
    chunks = [m for m in run.of("a") if isinstance(m, Chunk)]
    assert [chunk.text for chunk in chunks] == ["é", "🦙"]
    assert [len(chunk.logprobs) for chunk in chunks] == [2, 4]


@pytest.mark.parametrize("limit", [0, 2])
def test_a_prompt_is_scored_before_the_reply_even_if_there_is_none(limit: int) -> None:
    model = ScriptedModel(lambda tokens: ord("a") + len(tokens) % 26, n_ctx=512, n_ctx_seq=200)
    run = Run(model)
    run.job("abcX" + "e" * 100, prompt_logprobs=1, max_tokens=limit)
    run.finish()
    first, *rest = prompt_scores(run)
    assert (first.text, first.logprob) == ("a", None)
    assert [token.text for token in rest[:3]] == ["b", "c", "X"]
    assert [token.logprob for token in rest[:3]] == pytest.approx(
        [LIKELY, LIKELY, UNLIKELY], abs=1e-5
    )
    assert len(rest) == 103
    assert run.done().completion_tokens == limit == len(run.text())
    kinds = [type(m) for m in run.of("a")]
    assert PromptScores not in kinds[kinds.index(Chunk) :] if limit else Chunk not in kinds


def test_a_prompt_that_is_scored_is_evaluated_whatever_the_cache_holds() -> None:
    run = Run(ScriptedModel(saying("hello")))
    run.job("prompt 0|", "a")
    run.finish()
    run.job("prompt 0|", "b", prompt_logprobs=0)
    run.finish()
    assert len(prompt_scores(run, "b")) == len("prompt 0|")
    assert run.done("b").cached_tokens == 0
    assert run.text("b") == "hello"


def test_a_prompt_is_scored_once_though_its_sequence_had_to_give_way() -> None:
    model = ScriptedModel(lambda tokens: ord("a") + sum(tokens) % 26, n_ctx=80, n_ctx_seq=80)
    run = Run(model, n_parallel=2)
    for name in "pq":
        run.job(name * 20, name, max_tokens=40, prompt_logprobs=0, logprobs=0)
    run.finish()
    assert any(feed.start == 0 and len(feed.tokens) > 20 for b in model.batches for feed in b)
    for name in "pq":
        assert [token.text for token in prompt_scores(run, name)] == [name] * 20
        assert "".join(token.text for token in scores(run, name)) == run.text(name)
