"""The pool: names, shared loads, drained swaps, failures, the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest

from gguf_fc.config import Settings
from gguf_fc.errors import ModelFileError, ModelNotFound, ModelUnusable, WorkerUnavailable
from gguf_fc.job import FromWorker, Job, Load, Question, Ready, Sampling
from gguf_fc.models.failed_loads import FailedLoads
from gguf_fc.models.load_plan import LoadPlan, header_of, plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from tests.support.gguf_files import write_gguf

READY = Ready(
    n_ctx=64,
    n_ctx_train=64,
    n_parallel=1,
    n_vocab=8,
    n_threads=1,
    n_gpu_layers=0,
    device="none",
    use_extra_bufts=False,
    description="fake",
)


class FakeWorker:
    """A worker that notes what becomes of it."""

    def __init__(self, bench: Bench, load: Load) -> None:
        self._bench, self.name = bench, Path(load.path).stem
        self.state = "stopped"
        self.pid = None

    async def start(self) -> Ready:
        self._bench.log.append(f"start {self.name}")
        await self._bench.may_load.wait()
        if self.name in self._bench.broken:
            raise ModelFileError("broken")
        self.state = "ready"
        return READY

    async def stop(self) -> None:
        self._bench.log.append(f"stop {self.name}")
        self.state = "stopped"

    def cancel(self, job_id: str) -> None:
        raise NotImplementedError(job_id)

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        raise NotImplementedError(job)
        yield


class Bench:
    """A pool of the models a and b on fake workers."""

    def __init__(self, folder: Path) -> None:
        self.log: list[str] = []
        self.broken: set[str] = set()
        self.may_load = asyncio.Event()
        self.may_load.set()
        entries = [
            Entry(alias="A", source=write_gguf(folder / "a.gguf")),
            Entry(
                alias="B",
                source=write_gguf(folder / "b.gguf"),
                sampling=Sampling(temperature=0.25),
            ),
        ]
        self.pool = Pool(
            entries,
            plan=self.plan,
            make_worker=lambda load: FakeWorker(self, load),
            look=header_of,
        )

    @staticmethod
    def plan(entry: Entry) -> LoadPlan:
        return plan_load(entry, Settings())

    async def hold(self, name: str | None, until: asyncio.Event) -> str:
        async with self.pool.use(name) as model:
            self.log.append(f"use {model.name}")
            await until.wait()
            return model.name


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  looks at the pool from outside, as a client does
        await asyncio.sleep(0.001)


def test_names_are_aliases_file_names_and_default(bench: Bench) -> None:
    pool = bench.pool
    assert pool.names == ("A", "B")
    assert [pool.find(name).alias for name in (None, "", "default", "A", "a", "B", "b")] == (
        ["A"] * 5 + ["B"] * 2
    )
    assert pool.sampling("b").temperature == 0.25
    with pytest.raises(ModelNotFound, match="no model 'gpt'; this server offers: A, B") as caught:
        pool.find("gpt")
    assert caught.value.param == "model"


def test_a_started_model_is_ready_and_used(bench: Bench) -> None:
    async def scenario() -> None:
        assert bench.pool.state == "absent"
        started = await bench.pool.start()
        assert bench.pool.state == "ready"
        async with bench.pool.use("a") as model:
            assert model is started
            assert model.header.name == "tiny"
            assert model.ready is READY
        await bench.pool.stop()
        assert bench.log == ["start a", "stop a"]
        assert bench.pool.state == "absent"

    run(scenario)


def test_those_who_wait_share_one_load(bench: Bench) -> None:
    async def scenario() -> None:
        bench.may_load.clear()
        done = asyncio.Event()
        done.set()
        tasks = [asyncio.create_task(bench.hold("A", done)) for _ in range(5)]
        await until(lambda: "start a" in bench.log)
        assert bench.pool.state == "loading"
        bench.may_load.set()
        assert await asyncio.gather(*tasks) == ["A"] * 5
        assert bench.log.count("start a") == 1

    run(scenario)


def test_another_model_waits_until_nothing_runs_and_then_goes_first(bench: Bench) -> None:
    async def scenario() -> None:
        first, rest = asyncio.Event(), asyncio.Event()
        rest.set()
        running = asyncio.create_task(bench.hold("A", first))
        await until(lambda: "use A" in bench.log)
        other = asyncio.create_task(bench.hold("B", rest))
        await until(lambda: bench.pool.state == "draining")
        later = asyncio.create_task(bench.hold("A", rest))
        await asyncio.sleep(0.02)
        assert bench.log == ["start a", "use A"]
        first.set()
        await asyncio.gather(running, other, later)
        assert bench.log == (
            ["start a", "use A", "stop a", "start b", "use B", "stop b", "start a", "use A"]
        )

    run(scenario)


def test_who_gives_up_waiting_changes_nothing(bench: Bench) -> None:
    async def scenario() -> None:
        first, rest = asyncio.Event(), asyncio.Event()
        rest.set()
        running = asyncio.create_task(bench.hold("A", first))
        await until(lambda: "use A" in bench.log)
        other = asyncio.create_task(bench.hold("B", rest))
        await until(lambda: bench.pool.state == "draining")
        other.cancel()
        await asyncio.wait([other])
        assert await bench.hold("A", rest) == "A"
        assert bench.pool.state == "ready"
        first.set()
        await running
        assert "start b" not in bench.log

    run(scenario)


def test_a_load_goes_on_when_its_request_is_given_up(bench: Bench) -> None:
    async def scenario() -> None:
        bench.may_load.clear()
        done = asyncio.Event()
        done.set()
        task = asyncio.create_task(bench.hold("A", done))
        await until(lambda: "start a" in bench.log)
        task.cancel()
        await asyncio.wait([task])
        again = asyncio.create_task(bench.hold("A", done))
        await asyncio.sleep(0.01)
        bench.may_load.set()
        assert await again == "A"
        assert bench.log == ["start a", "use A"]

    run(scenario)


def test_a_model_that_cannot_be_loaded_fails_its_requests_only(bench: Bench) -> None:
    async def scenario() -> None:
        done = asyncio.Event()
        done.set()
        bench.broken = {"b"}
        with pytest.raises(ModelUnusable, match="model 'B' cannot be loaded: broken"):
            await bench.hold("B", done)
        assert bench.pool.state == "absent"
        assert bench.log == ["start b", "stop b"]
        assert await bench.hold("A", done) == "A"
        bench.broken = {"a"}
        with pytest.raises(ModelFileError):
            await bench.pool.start("B") and await bench.pool.start("A")

    run(scenario)


def test_a_file_that_is_gone_takes_nothing_away(bench: Bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        done, forever = asyncio.Event(), asyncio.Event()
        done.set()
        stream = asyncio.create_task(bench.hold("A", forever))
        await until(lambda: "use A" in bench.log)
        (tmp_path / "b.gguf").unlink()
        for _ in range(20):
            with pytest.raises(ModelUnusable, match=r"'B' cannot be loaded: .* no such file"):
                await bench.hold("B", done)
        assert bench.pool.state == "ready", "the stream was not waited for"
        assert await bench.hold("A", done) == "A"
        forever.set()
        await stream
        assert bench.log == ["start a", "use A", "use A"]

    run(scenario)


def test_after_a_failed_load_the_model_before_it_is_back(bench: Bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        done = asyncio.Event()
        done.set()
        assert await bench.hold("A", done) == "A"
        bench.broken = {"b"}
        for _ in range(20):
            with pytest.raises(ModelUnusable, match="broken"):
                await bench.hold("B", done)
            assert bench.pool.state == "ready"
            assert await bench.hold("A", done) == "A"
        assert bench.log.count("start b") == 1, "it is not tried again at once"
        assert bench.log.count("start a") == 2
        bench.broken = set()
        write_gguf(tmp_path / "b.gguf")  # a better file
        assert await bench.hold("B", done) == "B"

    run(scenario)


def test_a_failed_load_is_tried_again_after_a_rest() -> None:
    now = [0.0]
    failures = FailedLoads(clock=lambda: now[0])
    entry = Entry(alias="x", source=Path("/nowhere/x.gguf"))
    failures.check(entry)
    failures.note(entry, ModelFileError("no memory"))
    with pytest.raises(ModelFileError, match="no memory"):
        failures.check(entry)
    now[0] = 61
    failures.check(entry)


def test_a_missing_file_fails_at_the_start(bench: Bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "a.gguf").unlink()
        with pytest.raises(ModelFileError, match="no such file"):
            await bench.pool.start()

    run(scenario)


def test_a_worker_that_was_given_up_is_replaced(bench: Bench) -> None:
    async def scenario() -> None:
        model = await bench.pool.start()
        assert isinstance(model.worker, FakeWorker)
        model.worker.state = "failed"
        assert bench.pool.state == "failed"
        async with bench.pool.use(None) as other:
            assert other is not model
        assert bench.log == ["start a", "stop a", "start a"]

    run(scenario)


def test_the_end_interrupts_a_load_and_refuses_who_waits(bench: Bench) -> None:
    async def scenario() -> None:
        bench.may_load.clear()
        done = asyncio.Event()
        tasks = [asyncio.create_task(bench.hold(name, done)) for name in ("A", "A", "B")]
        await until(lambda: "start a" in bench.log)
        await bench.pool.stop()
        await bench.pool.stop()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, WorkerUnavailable)
        assert bench.log == ["start a", "stop a"]
        with pytest.raises(WorkerUnavailable, match="stopping"):
            await bench.pool.start()

    run(scenario)
