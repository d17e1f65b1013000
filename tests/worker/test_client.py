"""The worker seen from the server, with a fake process behind it that dies on request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gguf_fc.errors import ModelFileError, WorkerUnavailable
from gguf_fc.job import (
    Accepted,
    Chunk,
    Done,
    Failed,
    FromWorker,
    Job,
    Load,
    Measure,
    Measured,
    Segment,
)
from gguf_fc.worker.client import Worker
from gguf_fc.worker.supervisor import Patience
from tests.support.fake_worker import COMMAND

QUICK = Patience(
    ready_seconds=10,
    ping_seconds=0.1,
    stall_seconds=0.3,
    pong_seconds=0.3,
    stop_seconds=1,
    first_pause=0.05,
    longest_pause=0.1,
    give_up=2,
)


def asynchronous(test: Callable[[Path], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    return run


def make(folder: Path, name: str = "fine") -> Worker:
    load = Load(path=str(folder / name))
    return Worker(load, cache_dir=folder / "cache", command=COMMAND, patience=QUICK)


@asynccontextmanager
async def started(folder: Path, name: str = "fine") -> AsyncIterator[Worker]:
    worker = make(folder, name)
    await worker.start()
    try:
        yield worker
    finally:
        pid = worker.pid
        await worker.stop()
        assert worker.state == "stopped"
        assert not alive(pid)
        assert asyncio.all_tasks() == {asyncio.current_task()}


def alive(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0) if pid else None
    except ProcessLookupError:
        return False
    return pid is not None


def job(name: str, text: str) -> Job:
    return Job(id=name, prompt=(Segment(text),))


async def run(worker: Worker, name: str, text: str) -> list[FromWorker]:
    return [message async for message in worker.run(job(name, text))]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a state nobody announces
            await asyncio.sleep(0.01)


@asynchronous
async def test_a_job_is_answered_in_order(folder: Path) -> None:
    async with started(folder) as worker:
        assert worker.state == "ready"
        assert worker.ready
        assert worker.ready.description == "fake"
        accepted, *chunks, done = await run(worker, "a", "one two")
        assert isinstance(accepted, Accepted)
        assert [chunk.text for chunk in chunks if isinstance(chunk, Chunk)] == ["one", "two"]
        assert isinstance(done, Done)


@asynchronous
async def test_a_prompt_is_measured_by_one_message(folder: Path) -> None:
    async with started(folder) as worker:
        measure = Measure(id="m", prompt=(Segment("one two"),))
        assert [message async for message in worker.run(measure)] == [
            Measured(id="m", prompt_tokens=7, cached_tokens=0, cache="nothing")
        ]


@asynchronous
async def test_jobs_at_once_get_their_own_messages(folder: Path) -> None:
    async with started(folder) as worker:
        names = [str(n) for n in range(10)]
        answers = await asyncio.gather(*(run(worker, name, f"word{name}") for name in names))
        for name, answer in zip(names, answers, strict=True):
            assert {message.id for message in answer} == {name}  # type: ignore[union-attr]
            assert f"word{name}" in [m.text for m in answer if isinstance(m, Chunk)]


def text(messages: list[FromWorker]) -> str:
    return " ".join(m.text for m in messages if isinstance(m, Chunk))


@asynchronous
async def test_a_death_is_a_pause_in_every_job_in_flight(folder: Path) -> None:
    async with started(folder) as worker:
        first = worker.pid
        waiting = asyncio.create_task(run(worker, "a", "hello wait"))
        await asyncio.sleep(0.05)
        accepted, *_, done = killer = await run(worker, "b", "one two once three")
        assert isinstance(accepted, Accepted)
        assert isinstance(done, Done)
        assert sum(isinstance(message, Accepted) for message in killer) == 1
        assert text(killer) == "one two once three"
        assert worker.n_resumed == 2
        worker.cancel("a")
        said = await waiting
        assert text(said) == "hello still"
        assert isinstance(said[-1], Done)
        assert worker.pid != first
        assert not alive(first)


@asynchronous
async def test_a_request_under_which_workers_die_is_refused_and_the_others_go_on(
    folder: Path,
) -> None:
    async with started(folder) as worker:
        others = [asyncio.create_task(run(worker, name, "hello wait")) for name in "abc"]
        await asyncio.sleep(0.05)
        *_, failed = await run(worker, "killer", "die")
        assert isinstance(failed, Failed)
        assert failed.code == "request_refused"
        for name in "abc":
            worker.cancel(name)
        for said in await asyncio.gather(*others):
            assert set(text(said).split()) == {"hello", "still"}
            assert isinstance(said[-1], Done)
        assert isinstance((await run(worker, "d", "fine"))[-1], Done)
        pid = worker.pid
        (again,) = await run(worker, "killer again", "die")
        assert isinstance(again, Failed)
        assert worker.pid == pid, "it was run again"
    async with started(folder) as worker:  # after a restart too
        (again,) = await run(worker, "killer", "die")
        assert isinstance(again, Failed)
        assert again.code == "request_refused"
        assert isinstance((await run(worker, "d", "fine"))[-1], Done)


@asynchronous
async def test_a_request_that_is_alone_is_refused_at_the_second_death(folder: Path) -> None:
    async with started(folder) as worker:
        deaths = 0
        pids = {worker.pid}
        messages = asyncio.create_task(run(worker, "killer", "die"))
        while not messages.done():
            await asyncio.sleep(0.005)
            pids.add(worker.pid)
        deaths = len(pids - {None}) - 1
        assert isinstance((await messages)[-1], Failed)
        assert deaths <= 2


@asynchronous
async def test_a_suspect_whose_client_leaves_holds_up_nobody(folder: Path) -> None:
    async with started(folder) as worker:
        mute = asyncio.create_task(run(worker, "a", "mute"))
        waiting = asyncio.create_task(run(worker, "b", "wait"))
        await asyncio.sleep(0.05)
        for _ in range(2):
            pid = worker.pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: worker.pid not in {None, pid})  # type: ignore[misc]
        newer = asyncio.create_task(run(worker, "c", "fine"))
        await asyncio.sleep(0.1)
        assert not newer.done(), "the suspect is not alone"
        mute.cancel()
        assert isinstance((await newer)[-1], Done)
        worker.cancel("b")
        assert set(text(await waiting).split()) == {"still"}


@asynchronous
async def test_an_idle_worker_that_is_killed_is_replaced(folder: Path) -> None:
    async with started(folder) as worker:
        for _ in range(3):
            pid = worker.pid
            assert pid
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: worker.pid not in {None, pid})  # type: ignore[misc]
        assert isinstance((await run(worker, "a", "fine"))[-1], Done)


@asynchronous
async def test_a_worker_that_computes_for_ever_is_killed_and_replaced(folder: Path) -> None:
    async with started(folder) as worker:
        assert isinstance((await run(worker, "a", "hang"))[-1], Failed)
        assert isinstance((await run(worker, "b", "fine"))[-1], Done)


@asynchronous
async def test_a_worker_that_is_stopped_is_replaced_long_before_one_that_computes(
    folder: Path,
) -> None:
    patience = replace(QUICK, pong_seconds=100, stall_seconds=2)
    load = Load(path=str(folder / "fine"))
    worker = Worker(load, cache_dir=folder / "cache", command=COMMAND, patience=patience)
    await worker.start()
    said = asyncio.create_task(run(worker, "a", "one stop two"))
    await until(lambda: worker.state == "stalled")
    assert text(await said) == "one stop two"
    assert worker.state == "ready"
    await worker.stop()


@asynchronous
async def test_a_worker_that_starts_to_talk_nonsense_is_killed_and_replaced(folder: Path) -> None:
    async with started(folder) as worker:
        first = worker.pid
        babbling = asyncio.create_task(run(worker, "a", "wait babble"))
        await until(lambda: worker.pid not in {None, first})
        babbling.cancel()
        assert isinstance((await run(worker, "b", "fine"))[-1], Done)
        assert worker.pid != first


@asynchronous
async def test_a_silent_worker_that_answers_pings_lives(folder: Path) -> None:
    async with started(folder) as worker:
        pid = worker.pid
        await asyncio.sleep(0.6)
        assert worker.pid == pid


@asynchronous
async def test_closing_the_generator_cancels_the_job(folder: Path) -> None:
    async with started(folder) as worker:
        async with aclosing(worker.run(job("a", "hello wait"))) as messages:
            assert isinstance(await anext(messages), Accepted)
        assert worker._flights == {}
        assert isinstance((await run(worker, "b", "fine"))[-1], Done)


@asynchronous
async def test_a_job_that_cannot_be_sent_fails_alone(folder: Path) -> None:
    async with started(folder) as worker:
        (failed,) = await run(worker, "a", "\ud800")
        assert isinstance(failed, Failed)
        assert isinstance((await run(worker, "b", "fine"))[-1], Done)


@asynchronous
async def test_a_refused_model_is_a_model_file_error(folder: Path) -> None:
    worker = make(folder, "refuse")
    with pytest.raises(ModelFileError, match="no such model"):
        await worker.start()
    assert worker.state == "failed"
    assert isinstance((await run(worker, "a", "x"))[-1], Failed)
    await worker.stop()


@asynchronous
async def test_a_crash_beyond_repair_names_the_signal(folder: Path) -> None:
    worker = make(folder, "crash")
    with pytest.raises(ModelFileError, match="SIGSEGV"):
        await worker.start()
    await worker.stop()


@asynchronous
async def test_a_crash_while_loading_is_tried_again_without_repacking(folder: Path) -> None:
    async with started(folder, "repacking") as worker:
        assert worker.ready
        assert not worker.ready.use_extra_bufts
    (remembered,) = (folder / "cache").iterdir()
    assert "false" in remembered.read_text()


@asynchronous
async def test_restarting_is_given_up_in_the_end(folder: Path) -> None:
    async with started(folder, "once") as worker:
        messages = await run(worker, "a", "die")
        assert isinstance(messages[-1], Failed)
        await until(lambda: worker.state == "failed")
        (failed,) = await run(worker, "b", "x")
        assert isinstance(failed, Failed)
        assert failed.code == "worker_unavailable"


@asynchronous
async def test_a_worker_that_talks_nonsense_is_no_worker(folder: Path) -> None:
    worker = make(folder, "nonsense")
    with pytest.raises(ModelFileError):
        await worker.start()
    await worker.stop()


@asynchronous
async def test_stop_works_while_starting_and_before_and_twice(folder: Path) -> None:
    await make(folder).stop()
    worker = make(folder, "slow")
    starting = asyncio.create_task(worker.start())
    await asyncio.sleep(0.3)
    await worker.stop()
    await worker.stop()
    with pytest.raises(WorkerUnavailable):
        await starting
    assert asyncio.all_tasks() == {asyncio.current_task()}


@asynchronous
async def test_stop_ends_what_is_in_flight(folder: Path) -> None:
    worker = make(folder)
    await worker.start()
    waiting = asyncio.create_task(run(worker, "a", "hello wait"))
    await asyncio.sleep(0.05)
    await worker.stop()
    last = (await waiting)[-1]
    assert isinstance(last, Failed)
    assert last.code == "worker_unavailable"


def test_the_log_says_which_setting_helped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def load() -> None:
        async with started(tmp_path, "repacking"):
            pass

    with caplog.at_level(logging.WARNING):
        asyncio.run(load())
    assert "use_extra_bufts=False" in caplog.text
