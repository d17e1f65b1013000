"""What becomes of a completion on its way to the worker and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gguf_fc.job import (
    Accepted,
    Chunk,
    Detokenize,
    Detokenized,
    Done,
    Failed,
    FromWorker,
    Infill,
    Job,
    PromptScores,
    Question,
    Ready,
    Segment,
)
from gguf_fc.scored_tokens import TokenLogprob
from tests.support.gguf_files import write_gguf
from tests.support.serving import READY, Application, CountingWorker, entry

FILLING = replace(READY, infill=Infill(begin=(1, 2), between=(3,), end=(4,)))


@dataclass(slots=True)
class WritingWorker(CountingWorker):
    """Goes on with every prompt by *text*, and remembers what it was asked."""

    ready: Ready = READY
    text: str = "b"
    ending: Failed | None = None  # instead of a regular end
    jobs: list[Job] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    async def start(self) -> Ready:
        return self.ready

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        if isinstance(job, Detokenize):
            yield Detokenized(id=job.id, text="".join(chr(96 + token) for token in job.tokens))
            return
        assert isinstance(job, Job)
        self.jobs.append(job)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        for message in self._said(job):
            yield message
        self.running -= 1

    def _said(self, job: Job) -> list[FromWorker]:
        if self.failure:
            return [replace(self.failure, id=job.id)]
        said: list[FromWorker] = [Accepted(id=job.id, prompt_tokens=1)]
        if job.prompt_logprobs is not None:
            said += [PromptScores(id=job.id, logprobs=(TokenLogprob((97,), None),))]
            said += [PromptScores(id=job.id, logprobs=(TokenLogprob((98,), -1.0),))]
        scores = () if job.logprobs is None else (TokenLogprob(tuple(self.text.encode()), -2.0),)
        said.append(Chunk(id=job.id, text=self.text, n_tokens=1, logprobs=scores))
        return [*said, self.ending or done(job.id)]


def done(job_id: str, reason: Any = "stop") -> Done:
    return Done(
        id=job_id,
        finish_reason=reason,
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=1,
        forced_tokens=0,
        decode_steps=1,
        prompt_ms=0,
        completion_ms=0,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "m.gguf")


def complete(path: Path, worker: WritingWorker, **fields: Any) -> dict[str, Any]:
    response = Application([entry("m", path)], worker).post("/v1/completions", fields)
    found: dict[str, Any] = response.json()
    return found


def test_control_tokens_in_a_prompt_are_read_and_given_tokens_stay(path: Path) -> None:
    worker = WritingWorker()
    complete(path, worker, prompt="<s>a")
    complete(path, worker, prompt=[5, 6])
    assert [job.prompt for job in worker.jobs] == [
        (Segment("<s>a", special=True),),
        (Segment("", tokens=(5, 6)),),
    ]


@pytest.mark.parametrize(
    ("prompt", "first"),
    [("<s>a", Segment("<s>a", special=False)), ([5], Segment("", special=False, tokens=(5,)))],
)
def test_a_gap_stands_between_two_texts_that_are_only_text(
    path: Path, prompt: Any, first: Segment
) -> None:
    worker = WritingWorker(ready=FILLING)
    complete(path, worker, prompt=prompt, suffix="</s>z")
    assert worker.jobs[0].prompt == (
        Segment("", tokens=(1, 2)),
        first,
        Segment("", tokens=(3,)),
        Segment("</s>z", special=False),
        Segment("", tokens=(4,)),
    )


def test_a_model_that_fills_no_gaps_says_so(path: Path) -> None:
    error = complete(path, WritingWorker(), prompt="a", suffix="z")["error"]
    assert error["param"] == "suffix"
    assert error["code"] == "unsupported_parameter"
    assert "trained" in error["message"]


def test_no_more_choices_run_at_once_than_there_are_places(path: Path) -> None:
    worker = WritingWorker(ready=replace(READY, n_parallel=3))
    reply = complete(path, worker, prompt=["a"] * 10, n=2)
    assert len(reply["choices"]) == len(worker.jobs) == 20
    assert worker.most_running == 3


def test_tokens_are_echoed_as_text_and_scored_with_it(path: Path) -> None:
    reply = complete(path, WritingWorker(), prompt=[1, 2], echo=True, logprobs=0)
    (choice,) = reply["choices"]
    assert choice["text"] == "abb"
    assert choice["logprobs"]["tokens"] == ["a", "b", "b"]
    assert choice["logprobs"]["token_logprobs"] == [None, -1.0, -2.0]
    assert choice["logprobs"]["text_offset"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "logprobs", "prompt_logprobs"),
    [
        ({}, None, None),
        ({"logprobs": 3}, 3, None),
        ({"logprobs": 3, "echo": True}, 3, 3),
        ({"echo": True}, None, None),
        ({"best_of": 2}, 0, None),
        ({"best_of": 2, "echo": True}, 0, None),
        ({"best_of": 2, "logprobs": 3}, 3, None),
    ],
)
def test_only_what_is_needed_is_scored(
    path: Path, fields: dict[str, Any], logprobs: int | None, prompt_logprobs: int | None
) -> None:
    worker = WritingWorker()
    complete(path, worker, prompt="a", **fields)
    assert worker.jobs[0].logprobs == logprobs
    assert worker.jobs[0].prompt_logprobs == prompt_logprobs


@pytest.mark.parametrize("code", ["context_length_exceeded", "invalid_value"])
def test_a_prompt_that_is_of_no_use_is_named(path: Path, code: str) -> None:
    worker = WritingWorker(failure=Failed(id="", code=code, message="no"))
    assert complete(path, worker, prompt="a")["error"]["param"] == "prompt"
    assert complete(path, worker, prompt=["a"])["error"]["param"] == "prompt[0]"


def test_an_end_that_is_none_is_an_error_and_not_a_reply(path: Path) -> None:
    worker = WritingWorker(ending=Failed(id="", code="worker_died", message="gone"))
    assert complete(path, worker, prompt="a")["error"]["code"] == "worker_died"


def test_a_completion_in_a_form_is_checked(path: Path) -> None:
    form = {"json_schema": {"type": "integer"}, "echo": True, "prompt": "a"}
    for text, result in (("12", "valid"), ("b", "invalid")):
        (check,) = complete(path, WritingWorker(text=text), **form)["validation"]
        assert (check["subject"], check["result"]) == ("text", result)


def test_a_schema_is_enforced_whole_or_refused_under_strict(path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "https://example.org/x"}}}
    form: dict[str, Any] = {"type": "json_schema", "json_schema": {"schema": schema}}
    loose = complete(path, WritingWorker(), response_format=form)
    assert loose["loosened"] == ["response_format.json_schema.schema.properties.a:$ref"]
    form["json_schema"]["strict"] = True
    error = complete(path, WritingWorker(), response_format=form)["error"]
    assert error["code"] == "unsupported_schema"
    assert error["param"] == "response_format.json_schema.schema.properties.a"
