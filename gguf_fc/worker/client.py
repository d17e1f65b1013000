"""Client of a worker process: a job goes in, its messages come out.

Knows nothing of HTTP, prompts or tokens.  What happens to the process behind it is the
supervisor's business; here a death is a pause in each job: ``in_flight`` says how it goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from gguf_fc.errors import (
    DeadlyRequest,
    EngineError,
    GgufFcError,
    WorkerDied,
    WorkerUnavailable,
)
from gguf_fc.frames import FrameError
from gguf_fc.job import (
    Cancel,
    Chunk,
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
from gguf_fc.worker.deadly import DeadlyRequests
from gguf_fc.worker.in_flight import InFlight
from gguf_fc.worker.supervisor import Patience, State, Supervisor

logger = logging.getLogger(__name__)

STALL_SECONDS = 1.5  # without an answer or any computing, after which that is told
RESTART_SECONDS = 60.0  # how long a job waits for a worker that is being started again


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
        self._patience = patience or Patience()
        self._supervisor = Supervisor(
            load,
            cache_dir=cache_dir,
            command=command,
            patience=self._patience,
            deliver=self._deliver,
            died=self._worker_died,
        )
        self._deadly = DeadlyRequests(cache_dir, load)
        self._flights: dict[str, InFlight] = {}
        self._recovery: asyncio.Task[None] | None = None
        self.n_resumed = 0  # jobs and questions that outlived a worker

    @property
    def ready(self) -> Ready | None:
        """The worker's description of its model; None before the first start."""
        return self._supervisor.ready

    @property
    def state(self) -> State:
        """State of the process; ``stalled`` if it neither answers nor computes."""
        child = self._supervisor.child
        is_stalled = child is not None and child.still_seconds >= STALL_SECONDS
        return "stalled" if is_stalled else self._supervisor.state

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._supervisor.pid

    async def start(self) -> Ready:
        """Load the model.  Raises ModelFileError."""
        return await self._supervisor.start()

    async def stop(self) -> None:
        """End the process; what was in flight fails.  May be called at any time, and again."""
        if recovery := self._recovery:
            recovery.cancel()
            await asyncio.wait([recovery])
        self._fail(self._flights.values(), WorkerUnavailable("The server is stopping."))
        await self._supervisor.stop()

    async def run(self, job: Job | Question) -> AsyncGenerator[FromWorker]:
        """*job*'s messages; the last is ``Done``, a question's reply, or ``Failed``.

        Closing the generator cancels.
        """
        try:
            if self._deadly.digests:
                self._deadly.check(job)
            if self._supervisor.state != "ready":
                await self._supervisor.wait_ready(RESTART_SECONDS)
            while self._recovery:  # what was in flight goes first
                await asyncio.wait([self._recovery])
        except (DeadlyRequest, WorkerUnavailable) as error:
            yield Failed.because(job.id, error)
            return
        assert job.id not in self._flights, f"job {job.id} runs already"
        flight = self._flights[job.id] = InFlight(job)
        try:
            self._submit(flight)
            while not flight.is_over or not flight.messages.empty():
                yield await flight.messages.get()
        finally:
            if self._flights.pop(job.id, None) is not None:
                flight.spoke.set()  # a recovery waits for it no longer
                self._send(Cancel(job.id))

    def cancel(self, job_id: str) -> None:
        """End a job whose messages are still wanted: ``Done`` comes with its counts."""
        if flight := self._flights.get(job_id):
            flight.is_cancelled = True
            self._send(Cancel(job_id))

    def _submit(self, flight: InFlight) -> None:
        """Send *flight* to the child that runs now, from where it is."""
        try:
            flight.is_sent = self._send(flight.next_message())
            if flight.is_cancelled:
                self._send(Cancel(flight.asked.id))
        except FrameError as error:
            self._fail([flight], EngineError(f"{error}"))

    def _send(self, message: ToWorker) -> bool:
        """Send to the child that runs now; False if there is none, as its death was told."""
        if child := self._supervisor.child:
            child.line.send(message)
        return child is not None

    def _deliver(self, message: Message) -> None:
        """Put a message where its job is waiting; one whose job was given up is of no use."""
        if isinstance(message, Pong):
            return  # the line has heard it, and that is all it is for
        assert isinstance(message, Progress | Ending), f"unexpected message: {message}"
        if isinstance(message, Chunk):
            self._supervisor.has_worked = True
        if flight := self._flights.get(message.id):
            flight.deliver(message)
            if flight.is_over:
                del self._flights[message.id]

    def _worker_died(self, reason: str) -> None:
        """Go on with what was in flight as soon as there is another worker."""
        if self._recovery:
            self._recovery.cancel()
        sent = [flight for flight in self._flights.values() if flight.is_sent]
        silent = [flight for flight in sent if not flight.spoke.is_set()]
        for flight in sent:
            alone = len(sent) == 1 or (flight.is_suspect and silent == [flight])
            flight.note_death(alone=alone)
        self._recovery = asyncio.create_task(self._recover(reason), name="worker recovery")

    async def _recover(self, reason: str) -> None:
        """Go on with what was in flight, in the next worker: suspects one by one, then the rest."""
        for flight in [flight for flight in self._flights.values() if flight.is_deadly]:
            logger.error("worker died under request %s alone; it is refused", flight.asked.id)
            self._deadly.remember(flight.asked)
            self._fail([flight], self._deadly.error())
        try:
            await self._supervisor.wait_ready(None)
            flights = list(self._flights.values())
            for suspect in [flight for flight in flights if flight.is_suspect]:
                self._submit(suspect)
                with suppress(TimeoutError):  # it reads a long prompt
                    await asyncio.wait_for(suspect.spoke.wait(), self._patience.alone_seconds)
            for flight in flights:
                if not (flight.is_sent or flight.is_over):
                    self._submit(flight)
            self.n_resumed += len(flights)
        except WorkerUnavailable:
            self._fail(self._flights.values(), WorkerDied(f"{reason} No other could be started."))
        finally:
            if self._recovery is asyncio.current_task():
                self._recovery = None

    def _fail(self, flights: Iterable[InFlight], error: GgufFcError) -> None:
        for flight in tuple(flights):
            self._deliver(Failed.because(flight.asked.id, error))
