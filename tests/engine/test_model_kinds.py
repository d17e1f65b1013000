"""Whatever a model's memory is like, what is reused is what would have been evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.kv_cache.slots import LEAST_SAVED
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.job import GrammarText, Segment
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.model_kinds import write_hybrid, write_recurrent, write_sliding_window
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live

KINDS: dict[str, Callable[[Path], Path]] = {
    "attention": write_random_model,
    "recurrent": write_recurrent,
    "hybrid": write_hybrid,
    "sliding window": write_sliding_window,
}
SYSTEM = "<|im_start|>system\n" + "the weather in Paris and London is nice, " * 8 + "<|im_end|>\n"
# Letters that the vocabulary has only one by one, so that they are read as they were said.
LETTERS = GrammarText(gbnf="", llguidance="start: /[JKQXZ]{20}/")
LONG = "What is the weather in Paris? " * 6


@pytest.fixture(scope="module", params=KINDS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Llama]:
    path = KINDS[request.param](tmp_path_factory.mktemp("kind") / "model.gguf")
    with closing(Llama(in_process(path, n_ctx=2048, n_batch=64))) as loaded:
        yield loaded


def states_of(model: Llama) -> SavedStates:
    return SavedStates(1 << 24, is_whole=not model.can_cut_states)


def start(model: Llama, states: SavedStates | None = None) -> Run:
    return Run(model, Grammars(model.vocabulary).compile, n_parallel=4, states=states)


def asks(question: str) -> str:
    return f"{SYSTEM}<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def answers(run: Run, prompt: str, name: str) -> str:
    run.job(prompt, name, grammar=LETTERS, prefix=len(SYSTEM))
    run.finish()
    return run.text(name)


def test_a_conversation_goes_on_from_its_last_token(model: Llama) -> None:
    run = start(model)
    said = answers(run, asks("first"), "one")
    more = f"{asks('first')}{said}<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n"
    again = answers(run, more, "two")
    first = run.done("one")
    assert run.done("two").cached_tokens >= first.prompt_tokens + first.completion_tokens - 2
    assert answers(start(model), more, "alone") == again


def test_a_new_conversation_shares_the_system_text(model: Llama) -> None:
    run = start(model)
    answers(run, asks("first"), "one")
    said = answers(run, asks("quite another question"), "two")
    n_system = len(model.tokenize([Segment(SYSTEM)]))
    assert run.done("two").cached_tokens >= n_system - 2
    assert answers(start(model), asks("quite another question"), "alone") == said


def test_requests_at_the_same_time_share_the_system_text(model: Llama) -> None:
    run = start(model)
    for name in "abc":
        run.job(asks(name), name, grammar=LETTERS, prefix=len(SYSTEM))
    run.finish()
    n_system = len(model.tokenize([Segment(SYSTEM)]))
    assert all(run.done(name).cached_tokens >= n_system - 2 for name in "bc")
    for name in "abc":
        assert answers(start(model), asks(name), "alone") == run.text(name)


def test_an_answer_that_comes_back_changed_costs_only_itself(model: Llama) -> None:
    run = start(model, states_of(model))
    answers(run, asks(LONG), "one")
    changed = f"{asks(LONG)}in other words<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n"
    said = answers(run, changed, "two")
    assert run.done("two").cached_tokens >= run.done("one").prompt_tokens - 6
    assert answers(start(model), changed, "alone") == said


def test_saved_states_are_worth_as_much_as_the_real_thing(model: Llama) -> None:
    states = states_of(model)
    run = start(model, states)
    said = answers(run, asks("first"), "one")
    while run.engine.cache.save_next():
        pass
    more = f"{asks('first')}{said}<|im_end|>\n<|im_start|>user\nmore<|im_end|>\n"
    restarted = start(model, states)
    again = answers(restarted, more, "two")
    first = run.done("one")
    whole = first.prompt_tokens + first.completion_tokens
    assert restarted.done("two").cached_tokens >= whole - LEAST_SAVED
    other = answers(restarted, asks("quite another question"), "three")
    assert restarted.done("three").cached_tokens >= len(model.tokenize([Segment(SYSTEM)])) - 2
    assert answers(start(model), more, "alone") == again
    assert answers(start(model), asks("quite another question"), "alone") == other


def test_what_a_full_memory_has_overwritten_is_not_taken_for_granted(model: Llama) -> None:
    run = start(model)
    answers(run, asks("first"), "one")
    for n in range(14):
        answers(run, f"{n} " + "hello world " * 100, f"other {n}")
    said = answers(run, asks("second"), "two")
    assert answers(start(model), asks("second"), "alone") == said
