"""``GET /metrics``: events are counted as they go by, and the engine is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import Request

from gguf_fc.errors import EngineError
from gguf_fc.events import CallDelta, CallEnd, CallStart, Check, Event, Finish, TextDelta
from gguf_fc.generation.generation import Generation
from gguf_fc.job import Done
from gguf_fc.server.metrics import Metrics
from tests.support.gguf_files import write_gguf
from tests.support.scrape import samples_of
from tests.support.serving import Application, entry

DONE = Done(
    id="a",
    finish_reason="stop",
    prompt_tokens=30,
    cached_tokens=20,
    completion_tokens=12,
    forced_tokens=7,
    drafted_tokens=3,
    accepted_tokens=2,
    decode_steps=5,
    prompt_ms=1,
    completion_ms=1,
)
CALL = (CallStart(0, "id", "f"), CallDelta(0, "{}"), CallEnd(0))


class Seconds:
    """A clock that goes on by a second at every look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@asynccontextmanager
async def answered(
    events: Sequence[Event], error: Exception | None = None
) -> AsyncIterator[Generation]:
    async def said() -> AsyncGenerator[tuple[int, Event]]:
        for event in events:
            yield 0, event
        if error is not None:
            raise error

    yield Generation(id="a", model="m", prompt_tokens=30, loosened=(), events=said())


def metrics_of(folder: Path) -> Metrics:
    application = Application([entry("m", write_gguf(folder / "m.gguf"))])
    return Metrics(application.pool, Seconds())


async def watch(metrics: Metrics, events: Sequence[Event], most: int = 99) -> None:
    async with metrics.watch(answered(events)) as answer:
        left = most
        async for _ in answer.events:
            left -= 1
            if not left:
                return


def samples(metrics: Metrics) -> dict[str, float]:
    """What a scrape says: the values by name and labels."""
    response = asyncio.run(metrics.respond(Request({"type": "http"})))
    return samples_of(bytes(response.body).decode())


def test_tokens_and_calls_are_counted(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)
    asyncio.run(watch(metrics, [TextDelta("x"), *CALL, Finish(DONE)]))
    found = samples(metrics)
    assert found["gguf_fc_replies_total|stop"] == 1
    assert found["gguf_fc_prompt_tokens_total"] == 30
    assert found["gguf_fc_cached_tokens_total"] == 20
    assert (found["gguf_fc_cache_hits_total"], found["gguf_fc_cache_misses_total"]) == (1, 0)
    assert found["gguf_fc_completion_tokens_total"] == 12
    assert found["gguf_fc_forced_tokens_total"] == 7
    assert found["gguf_fc_drafted_tokens_total"] == 3
    assert found["gguf_fc_accepted_tokens_total"] == 2
    assert found["gguf_fc_decode_steps_total"] == 5
    assert found["gguf_fc_tool_calls_total|complete"] == 1
    assert found["gguf_fc_tool_calls_total|cut_off"] == 0


def test_times_are_counted_from_the_request_on(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)
    asyncio.run(watch(metrics, [*CALL, Finish(DONE)]))
    found = samples(metrics)
    assert (found["gguf_fc_first_token_seconds_sum"], found["gguf_fc_call_seconds_sum"]) == (1, 3)
    assert found["gguf_fc_reply_seconds_sum"] == 4
    assert (found["gguf_fc_token_gap_seconds_sum"], found["gguf_fc_token_gap_seconds_count"]) == (
        2,
        2,
    )


def test_a_call_without_its_end_was_cut_off(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)
    ended = replace(DONE, finish_reason="length", cached_tokens=0)
    asyncio.run(watch(metrics, [*CALL, CallStart(1, "b", "g"), Finish(ended)]))
    found = samples(metrics)
    assert found["gguf_fc_tool_calls_total|complete"] == 1
    assert found["gguf_fc_tool_calls_total|cut_off"] == 1
    assert found["gguf_fc_replies_total|length"] == 1
    assert found["gguf_fc_cache_misses_total"] == 1


def test_a_call_whose_arguments_do_not_fit_is_invalid(tmp_path: Path) -> None:
    checks = (Check("tool_calls[0]", "invalid", "no"), Check("content", "invalid", "no"))
    metrics = metrics_of(tmp_path)
    asyncio.run(watch(metrics, [*CALL, Finish(DONE, checks)]))
    assert samples(metrics)["gguf_fc_tool_calls_total|invalid"] == 1


def test_a_call_that_ended_its_reply_as_a_repetition_is_counted(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)
    assert samples(metrics)["gguf_fc_tool_calls_total|repeated"] == 0
    asyncio.run(watch(metrics, [*CALL, Finish(DONE, repeated_calls=1)]))
    found = samples(metrics)
    assert found["gguf_fc_tool_calls_total|repeated"] == 1
    assert found["gguf_fc_tool_calls_total|complete"] == 1


def test_an_error_is_counted_by_its_code_and_goes_on(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)

    async def fail() -> None:
        async with metrics.watch(answered([TextDelta("x")], EngineError("broken"))) as answer:
            async for _ in answer.events:
                pass

    with pytest.raises(EngineError, match="broken"):
        asyncio.run(fail())
    found = samples(metrics)
    assert [v for name, v in found.items() if name.startswith("gguf_fc_failures_total|")] == [1]
    assert not any(name.startswith("gguf_fc_replies_total") for name in found)


def test_a_stream_that_is_given_up_is_cancelled(tmp_path: Path) -> None:
    metrics = metrics_of(tmp_path)
    asyncio.run(watch(metrics, [CallStart(0, "a", "f"), *CALL[1:], Finish(DONE)], most=1))
    found = samples(metrics)
    assert found["gguf_fc_replies_total|cancelled"] == 1
    assert found["gguf_fc_tool_calls_total|cut_off"] == 1


def test_without_a_loaded_model_the_worker_is_down(tmp_path: Path) -> None:
    found = samples(metrics_of(tmp_path))
    assert found["gguf_fc_worker_up"] == 0
    assert "gguf_fc_jobs_running" not in found
