"""Client of a worker process: a job goes in, its messages come out.

Knows nothing of HTTP, prompts or tokens.  What happens to the process behind it is the
supervisor's business; here a death is one more way for a job to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from gguf_fc.errors import WorkerDied, WorkerUnavailable
from gguf_fc.frames import FrameError
from gguf_fc.job import (
    Cancel,
    Ending,
    Failed,
    FromWorker,
    Job,
    Load,
    Message,
    Pong,
    Progress,
    Question,
    Ready,
    ToWorker,
)
from gguf_fc.worker.child import COMMAND
from gguf_fc.worker.supervisor import Patience, State, Supervisor

RESTART_SECONDS = 60.0  # how long a new job waits for a worker that is being started again


class Worker:
    """A model in a process of its own.  Nothing runs before ``start``."""

    def __init__(
        self,
        load: Load,
        *,
        cache_dir: Path,
        command: Sequence[str] = COMMAND,
        patience: Patience | None = None,
    ) -> None:
        self._supervisor = Supervisor(
            load,
            cache_dir=cache_dir,
            command=command,
            patience=patience or Patience(),
            deliver=self._deliver,
            died=self._worker_died,
        )
        self._jobs: dict[str, asyncio.Queue[FromWorker]] = {}

    @property
    def ready(self) -> Ready | None:
        """The worker's description of its model; None before the first start."""
        return self._supervisor.ready

    @property
    def state(self) -> State:
        return self._supervisor.state

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._supervisor.pid

    async def start(self) -> Ready:
        """Load the model.  Raises ModelFileError."""
        return await self._supervisor.start()

    async def stop(self) -> None:
        """End the process; what was in flight fails.  May be called at any time, and again."""
        self._fail_all(WorkerUnavailable.code, "The server is stopping.")
        await self._supervisor.stop()

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        """*job*'s messages; the last is ``Done``, a question's reply, or ``Failed``.

        Closing the generator cancels.
        """
        try:
            if self._supervisor.state != "ready":
                await self._supervisor.wait_ready(RESTART_SECONDS)
        except WorkerUnavailable as error:
            yield Failed(id=job.id, code=WorkerUnavailable.code, message=error.message)
            return
        assert job.id not in self._jobs, f"job {job.id} runs already"
        messages = self._jobs[job.id] = asyncio.Queue()
        try:
            self._send(job)
            while job.id in self._jobs or not messages.empty():
                yield await messages.get()
        except FrameError as error:
            del self._jobs[job.id]
            yield Failed(id=job.id, code="engine_error", message=f"{error}")
        finally:
            if self._jobs.pop(job.id, None) is not None:
                self._send(Cancel(job.id))

    def cancel(self, job_id: str) -> None:
        """End a job whose messages are still wanted: ``Done`` comes with its counts."""
        if job_id in self._jobs:
            self._send(Cancel(job_id))

    def _send(self, message: ToWorker) -> None:
        """Send to the child that runs now; if there is none, its death was told already."""
        if child := self._supervisor.child:
            child.line.send(message)

    def _deliver(self, message: Message) -> None:
        """Put a message where its job is waiting; one whose job was given up is of no use."""
        if isinstance(message, Pong):
            return  # the line has heard it, and that is all it is for
        assert isinstance(message, Progress | Ending), f"unexpected message: {message}"
        messages = self._jobs.get(message.id)
        if isinstance(message, Ending):
            self._jobs.pop(message.id, None)
        if messages:
            messages.put_nowait(message)

    def _worker_died(self, reason: str) -> None:
        self._fail_all(WorkerDied.code, f"{reason} The next request gets a new one.")

    def _fail_all(self, code: str, message: str) -> None:
        for job_id in tuple(self._jobs):
            self._deliver(Failed(id=job_id, code=code, message=message))
