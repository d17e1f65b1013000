"""A real model in a real child process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest

from gguf_fc.errors import ModelFileError
from gguf_fc.job import Chunk, Done, FromWorker, Job, Load, Sampling, Segment
from gguf_fc.worker.client import Worker
from tests.support.models import talking_model
from tests.support.random_model import write_random_model

pytestmark = pytest.mark.live


@asynccontextmanager
async def started(path: Path, folder: Path, **options: int) -> AsyncIterator[Worker]:
    worker = Worker(Load(path=str(path), n_threads=1, **options), cache_dir=folder / "cache")  # type: ignore[arg-type]
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


def endless(name: str, path: Path, *, max_tokens: int | None = None) -> Job:
    """A job that a random model does not end by itself."""
    assert path.exists()
    sampling = Sampling(temperature=1, seed=1, logit_bias=((464, -1e9), (466, -1e9)))
    return Job(id=name, prompt=(Segment("hello"),), sampling=sampling, max_tokens=max_tokens)


async def run(worker: Worker, job: Job) -> list[FromWorker]:
    return [message async for message in worker.run(job)]


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("m") / "random.gguf", n_ctx=100_000)


def test_it_says_what_it_loaded_and_answers_two_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with started(talking_model(tmp_path), tmp_path) as worker:
            assert worker.ready
            assert worker.ready.n_ctx > 0
            assert worker.ready.device.startswith("CPU")
            prompt = (Segment("<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"),)
            jobs = [
                Job(id=name, prompt=prompt, max_tokens=12, sampling=Sampling(temperature=0))
                for name in "ab"
            ]
            a, b = await asyncio.gather(*(run(worker, job) for job in jobs))
            texts = ["".join(m.text for m in said if isinstance(m, Chunk)) for said in (a, b)]
            assert texts[0] == texts[1] != ""
            assert isinstance(a[-1], Done)
            assert isinstance(b[-1], Done)

    asyncio.run(body())


def test_a_cancelled_job_makes_way_within_a_second(random: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with started(random, tmp_path, n_parallel=1, n_ctx=50_000) as worker:
            async with aclosing(worker.run(endless("a", random))) as messages:
                for _ in range(5):
                    await anext(messages)
            began = monotonic()
            (*_, done) = await run(worker, endless("b", random, max_tokens=2))
            assert isinstance(done, Done)
            assert monotonic() - began < 1

    asyncio.run(body())


def test_the_counts_of_a_cancelled_job_come_where_they_are_wanted(
    random: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with started(random, tmp_path, n_ctx=50_000) as worker:
            said = []
            async for message in worker.run(endless("a", random)):
                said.append(message)
                if len(said) == 5:
                    worker.cancel("a")
            done = said[-1]
            assert isinstance(done, Done)
            assert done.finish_reason == "cancelled"
            assert 0 < done.completion_tokens < 1000
            worker.cancel("a")  # has ended: nothing happens
            assert isinstance((await run(worker, endless("b", random, max_tokens=2)))[-1], Done)

    asyncio.run(body())


def test_a_killed_worker_costs_its_streams_a_pause(random: Path, tmp_path: Path) -> None:
    async def killed(jobs: list[Job]) -> tuple[list[list[FromWorker]], int]:
        async with started(random, tmp_path / "killed", n_ctx=50_000) as worker:
            streams = [asyncio.create_task(run(worker, job)) for job in jobs]
            for signal_number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT):
                await asyncio.sleep(0.3)
                if worker.pid:
                    os.kill(worker.pid, signal_number)
            return await asyncio.gather(*streams), worker.n_resumed

    jobs = [endless(name, random, max_tokens=3000) for name in "ab"]
    replies, n_resumed = asyncio.run(killed(jobs))
    assert n_resumed
    for said in replies:
        assert isinstance(said[-1], Done)
        assert said[-1].completion_tokens == 3000
        assert sum(len(chunk.tokens) for chunk in said if isinstance(chunk, Chunk)) == 3000


def test_files_that_cannot_be_loaded_say_why(random: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(random.read_bytes()[:-1000])
    nonsense = tmp_path / "nonsense.gguf"
    nonsense.write_bytes(b"nonsense" * 50)

    async def refused(path: Path) -> str:
        worker = Worker(Load(path=str(path)), cache_dir=tmp_path)
        with pytest.raises(ModelFileError) as caught:
            await worker.start()
        await worker.stop()
        return caught.value.message

    async def body() -> None:
        assert "no such file" in await refused(tmp_path / "missing.gguf")
        assert "incomplete" in await refused(cut)
        assert "not a GGUF" in await refused(nonsense)

    asyncio.run(body())


def test_the_server_s_side_never_loads_the_native_library() -> None:
    code = "import sys, gguf_fc.worker.client; sys.exit('llama_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_worker_ends_with_its_server(random: Path, tmp_path: Path) -> None:
    code = f"""
import asyncio, os
from pathlib import Path
from gguf_fc.job import Load
from gguf_fc.worker.client import Worker

async def main():
    worker = Worker(Load(path={str(random)!r}), cache_dir=Path({str(tmp_path)!r}))
    await worker.start()
    print(worker.pid, flush=True)
    os._exit(1)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    pid = int(ended.stdout)
    deadline = monotonic() + 5
    while Path(f"/proc/{pid}").exists() and monotonic() < deadline:
        if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
            break
    else:
        assert not Path(f"/proc/{pid}").exists()
