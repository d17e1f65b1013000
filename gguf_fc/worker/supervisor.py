"""Supervisor of a worker process: start, ready handshake, restart with back-off.

Knows nothing of jobs: messages go from the child straight to who sent the job; here it is noticed
when a child died.

Theory of operation.
1. A child counts only once it has said ``Ready``.  One that dies before is tried again with safer
   settings (``selftest``); if those are used up, the model cannot be run here.
2. A child that hangs is killed (``Child.watch``), and so dies like any other.
3. A child that dies after it was ready is replaced: at once the first time, then after a pause
   that doubles until a child has done some work, or has lived for ``stable_seconds``.
4. ``give_up`` failed starts in a row end it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from gguf_fc.errors import ModelFileError, WorkerUnavailable
from gguf_fc.job import Load, LoadFailed, Message, Ready
from gguf_fc.worker.child import Child, ending
from gguf_fc.worker.selftest import SelfTest

logger = logging.getLogger(__name__)

CRASHES = {signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT}

State = Literal["starting", "ready", "stalled", "restarting", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits, in seconds, and the number of attempts."""

    ready_seconds: float = 900
    ping_seconds: float = 3  # of silence, after which a child is asked for a sign of life
    stall_seconds: float = 5  # after that, without an answer and without computing
    pong_seconds: float = 60  # after that, without an answer
    alone_seconds: float = 20  # for a suspect request to say something before others run, too
    stop_seconds: float = 15  # what was evaluated last is being written: a second for 300 MB or so
    stable_seconds: float = 30
    first_pause: float = 0.5
    longest_pause: float = 10
    give_up: int = 5


class _Crashed(Exception):
    """Death of a child before it was ready; with other settings it *may* live."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.may_be_settings = -status in CRASHES


class Supervisor:
    """Runs one worker, for as long as it is wanted."""

    def __init__(
        self,
        load: Load,
        *,
        cache_dir: Path,
        command: Sequence[str],
        patience: Patience,
        deliver: Callable[[Message], None],
        died: Callable[[str], None],
    ) -> None:
        self._selftest = SelfTest(load, cache_dir)
        self._command = command
        self._patience = patience
        self._deliver = deliver
        self._died = died
        self.child: Child | None = None  # the one that runs now
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # ready, stopped or failed: there is something to tell
        self._failure: ModelFileError | None = None
        self.has_worked = False  # the client notes it when the child says something of a reply
        self.ready: Ready | None = None
        self.state: State = "stopped"

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self.child.process.pid if self.child else None

    async def start(self) -> Ready:
        """Start the worker and wait until it is ready.  Raises ModelFileError."""
        assert self._task is None, "started before"
        self.state = "starting"
        self._task = asyncio.create_task(self._watch_over(), name="worker supervisor")
        await self._settled.wait()
        if self._failure:
            raise self._failure
        if self.ready is None:
            raise WorkerUnavailable("The worker was stopped while it started.")
        return self.ready

    async def stop(self) -> None:
        """End the worker.  May be called at any time, and again."""
        self.state = "stopped"
        self._settled.set()
        if task := self._task:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def wait_ready(self, seconds: float | None) -> None:
        """Return when a worker is running, within *seconds* if given.  Raises WorkerUnavailable."""
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            raise WorkerUnavailable(
                "The process that runs the model is being started again; try again later."
            ) from None
        if self.state != "ready":
            raise WorkerUnavailable("The process that runs the model is not running.")

    async def _watch_over(self) -> None:
        """Supervise; whoever waits for the worker hears of a fault of our own, too."""
        try:
            await self._supervise()
        except Exception as error:
            logger.exception("worker supervisor failed")
            self._fail(ModelFileError(f"The worker cannot be supervised: {error!r}."))

    async def _supervise(self) -> None:
        pause, failures = 0.0, 0
        while True:
            began = monotonic()
            try:
                await self._live()
            except _Crashed as crash:
                failures += 1
                if self.ready is None or failures >= self._patience.give_up:
                    self._fail(ModelFileError(str(crash)))
                    return
            except ModelFileError as error:
                self._fail(error)
                return
            else:
                failures = 0
                if self.has_worked or monotonic() - began >= self._patience.stable_seconds:
                    pause = 0.0
            await asyncio.sleep(pause)
            pause = min(max(2 * pause, self._patience.first_pause), self._patience.longest_pause)

    def _fail(self, error: ModelFileError) -> None:
        logger.error("worker state=failed: %s", error.message)
        self._failure = error
        self.state = "failed"
        self._settled.set()

    async def _live(self) -> None:
        """Run one worker, from its start to its death."""
        child, ready = await self._launch()
        self.has_worked = False
        self.child, self.ready, self.state = child, ready, "ready"
        self._settled.set()
        status: int | None = None
        try:
            patience = self._patience
            await child.watch(patience.ping_seconds, patience.stall_seconds, patience.pong_seconds)
        finally:
            self.child = None
            if self.state == "ready":
                self.state = "restarting"
                self._settled.clear()
            status = await child.close(grace=self._patience.stop_seconds)
        reason = f"The process that ran the model {ending(status)}."
        logger.error("worker pid=%d died: %s", child.process.pid, reason)
        self._died(reason)

    async def _launch(self) -> tuple[Child, Ready]:
        """Start a child with the first settings that do not crash it."""
        crash: _Crashed | None = None
        for load in self._selftest.settings():
            try:
                child, ready = await self._try(load)
            except _Crashed as error:
                crash = error
                if not crash.may_be_settings:
                    break
                logger.warning(
                    "worker use_extra_bufts=%s self_test=%s crashed while loading: %s",
                    *(load.use_extra_bufts, load.self_test, error),
                )
            else:
                self._selftest.remember(load)
                if load.use_extra_bufts != self._selftest.load.use_extra_bufts:
                    logger.warning("worker use_extra_bufts=False: weight repacking crashes here")
                return child, ready
        assert crash
        raise crash

    async def _try(self, load: Load) -> tuple[Child, Ready]:
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        try:
            child = await Child.start(self._command, answer.set_result)
        except OSError as error:
            raise _Crashed(f"No process could be started: {error}.") from error
        try:
            child.line.send(load)
            async with asyncio.timeout(self._patience.ready_seconds):
                either: tuple[asyncio.Future[Any], ...] = (answer, child.lost)
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await child.close(grace=0)
            raise ModelFileError(
                f"{load.path}: not loaded after {self._patience.ready_seconds:.0f} seconds."
            ) from None
        except BaseException:
            await child.close(grace=0)
            raise
        match answer.result() if answer.done() else None:
            case Ready() as ready:
                child.line.deliver = self._deliver
                return child, ready
            case LoadFailed(message=message):
                await child.close(grace=self._patience.stop_seconds)
                raise ModelFileError(message)
            case _:
                status = await child.close(grace=self._patience.stop_seconds)
                raise _Crashed(f"{load.path}: the process that loads it {ending(status)}.", status)
