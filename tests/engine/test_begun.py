"""A job goes on in another engine from what its client has, as if nothing had happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.job import Chunk, Done, FromWorker, GrammarText, Job, PromptScores, Sampling, Segment
from gguf_fc.worker.in_flight import InFlight
from tests.support.engine import Run
from tests.support.loading import in_process
from tests.support.models import talking_model
from tests.support.scripted_model import END, ScriptedModel

MIXED = "aé漢🙂b|"
PROMPT = "prompt|"


def babbling(tokens: Sequence[int]) -> int:
    """Bytes of texts with characters of one to four bytes, whatever came before."""
    text = (MIXED * 40).encode()
    return text[(len(tokens) * 7 + sum(tokens[:3])) % len(text)] if len(tokens) % 3 else text[0]


def spelling(tokens: Sequence[int]) -> int:
    """The bytes of ``MIXED``, over and over, and the end at last."""
    said = len(tokens) - len(PROMPT)
    text = (MIXED * 4).encode()
    return text[said] if said < len(text) else END


def engine(job: Job, n_batch: int) -> Run:
    reply = spelling if job.sampling.temperature == 0 else babbling
    return Run(ScriptedModel(reply, n_ctx=512, n_ctx_seq=200, n_batch=n_batch))


def messages_of(run: Run, job: Job | object) -> list[FromWorker]:
    assert isinstance(job, Job)
    run.engine.submit(job)
    run.finish()
    return run.of(job.id)


def summary(messages: Sequence[FromWorker]) -> tuple[object, ...]:
    """All that a client gets: text, logprobs, scores of the prompt, the end and its counts."""
    text = "".join(m.text for m in messages if isinstance(m, Chunk))
    scores = [score for m in messages if isinstance(m, Chunk) for score in m.logprobs]
    prompt = [score for m in messages if isinstance(m, PromptScores) for score in m.logprobs]
    (done,) = (m for m in messages if isinstance(m, Done))
    counts = (done.finish_reason, done.prompt_tokens, done.completion_tokens, done.stop_string)
    return text, scores, prompt, counts


jobs = st.builds(
    Job,
    id=st.just("a"),
    prompt=st.just((Segment(PROMPT),)),
    max_tokens=st.one_of(st.none(), st.integers(0, 60)),
    sampling=st.one_of(
        st.just(Sampling(temperature=0)),
        st.builds(
            Sampling,
            temperature=st.sampled_from([2.0, 20.0]),
            top_k=st.sampled_from([0, 5]),
            seed=st.integers(0, 1000),
            frequency_penalty=st.sampled_from([0.0, 1.0]),
        ),
    ),
    stop=st.lists(st.sampled_from(["🙂b|X", "漢🙂b|a", "zz", "b|aé漢🙂"]), max_size=2).map(tuple),
    logprobs=st.sampled_from([None, 0, 2]),
    prompt_logprobs=st.sampled_from([None, 1]),
)


@settings(max_examples=150, deadline=None)
@given(jobs, st.lists(st.integers(0, 60), min_size=1, max_size=3), st.sampled_from([3, 64]))
def test_a_reply_is_the_same_wherever_its_workers_die(
    job: Job, deaths: Sequence[int], n_batch: int
) -> None:
    expected = summary(messages_of(engine(job, n_batch), job))
    flight, delivered = InFlight(job), []
    for n_delivered in [*deaths, 10_000]:
        said = messages_of(engine(job, n_batch), flight.next_message())[:n_delivered]
        for message in said:
            flight.deliver(message)  # type: ignore[arg-type]
        if flight.is_over:
            break
        flight.note_death(alone=False)
    while not flight.messages.empty():
        delivered.append(flight.messages.get_nowait())
    assert summary(delivered) == expected


def test_a_job_without_a_seed_gets_one_so_that_its_numbers_can_be_drawn_again() -> None:
    job = Job(id="a", prompt=(Segment(PROMPT),))
    asked = InFlight(job).asked
    assert isinstance(asked, Job)
    assert asked.sampling.seed is not None
    assert replace(asked, sampling=job.sampling) == job


@pytest.mark.live
@pytest.mark.parametrize("logprobs", [None, 1])
def test_a_call_goes_on_inside_its_grammar(tmp_path: Path, logprobs: int | None) -> None:
    model = Llama(in_process(talking_model(tmp_path), n_ctx=1024))
    grammar = GrammarText(
        llguidance=r'start: "<call>{\"city\": \"" /[a-z]{3,9}/ "\", \"unit\": \"celsius\"}</call>"'
    )
    try:
        compile_grammar = Grammars(model.vocabulary).compile
        job = Job(
            id="a",
            prompt=(Segment("hello"),),
            grammar=grammar,
            sampling=Sampling(temperature=1, seed=3),
            logprobs=logprobs,
        )
        whole = messages_of(Run(model, compile_grammar, drafts=True), job)
        expected = summary(whole)
        assert expected[0].startswith('<call>{"city": "')  # type: ignore[attr-defined]
        for n_delivered in range(1, len(whole)):
            flight = InFlight(job)
            for message in whole[:n_delivered]:
                flight.deliver(message)  # type: ignore[arg-type]
            flight.note_death(alone=False)
            rest = messages_of(Run(model, compile_grammar, drafts=True), flight.next_message())
            for message in rest:
                flight.deliver(message)  # type: ignore[arg-type]
            delivered = [flight.messages.get_nowait() for _ in range(flight.messages.qsize())]
            assert summary(delivered)[0] == expected[0]
            assert summary(delivered)[3] == expected[3]
    finally:
        model.close()
