"""Long texts are read off the loop, in order, and are refused before they are tokenized whole."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from gguf_fc.engine.build_sequence import SURELY_COUNTED
from gguf_fc.engine.long_texts import LONG, LONGEST, LongTexts, Readers
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.job import (
    Accepted,
    Detokenize,
    Failed,
    FromWorker,
    Job,
    Measure,
    Measured,
    Segment,
    Survey,
    Tokenize,
    Tokenized,
)
from tests.support.engine import Run
from tests.support.scripted_model import ScriptedModel, saying

LONG_TEXT = "a" * (LONG + 1)


class Texts(ScriptedModel):
    """Tokenizes when it is let."""

    def __init__(self) -> None:
        super().__init__(saying("hello"), n_ctx=100_000, n_ctx_seq=50_000)
        self.let = threading.Event()
        self.n_tokenized = 0

    def tokenize_text(self, text: str, **_how: bool) -> list[int]:
        assert self.let.wait(10)
        self.n_tokenized += len(text)
        return list(text.encode())


def readers(model: Texts, run: Run | None = None) -> Readers:
    tokenization = Tokenization(model)
    mine: Readers = {
        Tokenize: tokenization.tokenize_long,
        Detokenize: tokenization.detokenize_long,
    }
    engine = run and run.engine
    return {**mine, Job: engine.read_job, Measure: engine.read_measure} if engine else mine


def collected(texts: LongTexts, woken: threading.Semaphore) -> list[FromWorker]:
    assert woken.acquire(timeout=10)
    return texts.collect()


def test_short_messages_are_left_to_the_loop() -> None:
    texts = LongTexts({}, lambda: None)
    assert not texts.take(Tokenize(id="a", text="short"))
    assert not texts.take(Survey(id="b"))
    texts.close()


def test_a_long_text_is_answered_when_it_was_read() -> None:
    model, woken = Texts(), threading.Semaphore(0)
    texts = LongTexts(readers(model), woken.release)
    assert texts.take(Tokenize(id="a", text=LONG_TEXT))
    assert texts.collect() == []
    model.let.set()
    (answer,) = collected(texts, woken)
    assert isinstance(answer, Tokenized)
    assert len(answer.tokens) == LONG + 1
    texts.close()


def test_what_was_cancelled_is_not_read() -> None:
    model, woken = Texts(), threading.Semaphore(0)
    texts = LongTexts(readers(model), woken.release)
    for name in "ab":
        texts.take(Tokenize(id=name, text=LONG_TEXT))
        texts.cancel(name)
    texts.take(Tokenize(id="c", text=LONG_TEXT))
    model.let.set()
    answers = collected(texts, woken) or collected(texts, woken)
    assert [getattr(answer, "id", "") for answer in answers] == ["c"]
    texts.close()
    assert model.n_tokenized <= 2 * (LONG + 1)


@pytest.mark.parametrize(
    "message",
    [
        Tokenize(id="a", text="a" * (LONGEST + 1)),
        Detokenize(id="a", tokens=(1,) * (LONGEST + 1)),
        Measure(id="a", prompt=(Segment("a" * (LONGEST + 1)),)),
    ],
)
def test_a_text_that_is_far_too_long_is_refused_unread(
    message: Tokenize | Detokenize | Measure,
) -> None:
    model, woken = Texts(), threading.Semaphore(0)
    run = Run(model)
    texts = LongTexts(readers(model, run), woken.release)
    texts.take(message)
    (answer,) = collected(texts, woken)
    assert isinstance(answer, Failed)
    assert answer.code == "request_too_large"
    assert model.n_tokenized == 0
    texts.close()


def test_a_fault_in_the_thread_is_the_worker_s() -> None:
    woken = threading.Semaphore(0)

    def fail(_message: Tokenize) -> None:
        raise ZeroDivisionError

    texts = LongTexts({Tokenize: fail}, woken.release)  # type: ignore[dict-item]
    texts.take(Tokenize(id="a", text=LONG_TEXT))
    with pytest.raises(ZeroDivisionError):
        collected(texts, woken)
    texts.close()


def test_a_long_prompt_runs_and_is_measured_as_a_short_one_would() -> None:
    model, woken = Texts(), threading.Semaphore(0)
    run = Run(model)
    texts = LongTexts(readers(model, run), woken.release)
    prompt = (Segment(LONG_TEXT + "0|"),)
    assert texts.take(Measure(id="m", prompt=prompt))
    (measured,) = collected(texts, woken)
    assert measured == run.engine.measure(Measure(id="m", prompt=prompt))
    assert isinstance(measured, Measured)
    assert texts.take(Job(id="a", prompt=prompt))
    assert collected(texts, woken) == []
    run.finish()
    assert run.text() == "hello"
    assert run.done().prompt_tokens == LONG + 3
    texts.close()


def test_a_prompt_that_cannot_fit_is_refused_without_being_tokenized_whole() -> None:
    class Counting(ScriptedModel):
        def tokenize(self, segments: Sequence[Segment]) -> list[int]:
            assert sum(len(segment.text) for segment in segments) <= SURELY_COUNTED * 50
            return super().tokenize(segments)

    run = Run(Counting(saying("hello"), n_ctx=100, n_ctx_seq=50))
    run.job("a" * (SURELY_COUNTED * 50 + 1))
    assert run.failed().code == "context_length_exceeded"
    assert "has more than 50" in run.failed().message
    run.job("a" * 60, "b")
    assert "has 60" in run.failed("b").message
    run.job("0|", "c", prediction="x" * 10_000)
    assert run.accepted("c")
    assert isinstance(run.of("c")[0], Accepted)
