"""Child process of the server: start, socket, heartbeat, end."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gguf_fc.frames import MESSAGES, FrameError, Line
from gguf_fc.job import Message, Ping, Stop
from gguf_fc.stillness import Stillness

logger = logging.getLogger(__name__)

WATCH_SECONDS = 0.5  # between two looks at a child that does not answer
SECRET = re.compile(r"TOKEN|KEY|SECRET|PASS|CREDENTIAL|AUTH|COOKIE", re.IGNORECASE)
COMMAND = (sys.executable, "-P", "-m", "gguf_fc.worker.process")


class _Socket(asyncio.Protocol):
    """Our end of the child's socket, once it is connected: bytes go straight to the line."""

    line: Line[Message]
    _transport: asyncio.Transport

    def __init__(self, deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.line = MESSAGES.line(transport.write, self._deliver)
        self.data_received = self.line.receive  # type: ignore[method-assign]  # no step in between

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and the error that it was for."""
        self.lost.set_result(exc)

    def close(self) -> None:
        """Close it when everything is sent."""
        self._transport.close()


@dataclass(slots=True, eq=False)
class Child:
    """A process that was started.  ``close`` it whatever happens."""

    process: subprocess.Popen[bytes]
    line: Line[Message]  # ``deliver`` of it gets what the process sends
    lost: asyncio.Future[Exception | None]  # done when the line is over
    still_seconds: float = field(default=0.0, init=False)  # without an answer or any computing
    _socket: _Socket

    @classmethod
    async def start(cls, command: Sequence[str], deliver: Callable[[Message], None]) -> Child:
        """Start *command* with the number of its inherited socket as the last argument.

        Its messages go to *deliver*.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program; takes milliseconds
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr if _is_file(sys.stderr) else subprocess.DEVNULL,
                env=_environment(),
                process_group=0,  # Ctrl-C at the terminal is for the server
            )
        try:
            loop = asyncio.get_running_loop()
            _, end = await loop.create_connection(lambda: _Socket(deliver), sock=ours)
        except BaseException:
            ours.close()
            process.kill()
            process.wait()
            raise
        return cls(process, end.line, end.lost, end)

    async def watch(self, ping_seconds: float, stall_seconds: float, pong_seconds: float) -> None:
        """Return when the child is gone or had to be killed.

        Anything it sends proves life.  After *ping_seconds* of silence the child is pinged.  It is
        killed if it does not answer for *pong_seconds*: a large batch takes its time.  It is killed
        after *stall_seconds* in which it does not even compute: it was stopped, or waits for ever.
        """
        pinged, work = 0.0, Stillness(self.process.pid)
        while not self.lost.done():
            now = time.monotonic()
            if self.line.heard > pinged:  # nothing is unanswered
                self.still_seconds = 0.0
                rest = ping_seconds - (now - self.line.heard)
                if rest <= 0:
                    self.line.send(Ping(0))
                    pinged, work, rest = now, Stillness(self.process.pid), WATCH_SECONDS
            else:
                self.still_seconds, rest = work.seconds(), WATCH_SECONDS
                if self.still_seconds >= stall_seconds or now - pinged >= pong_seconds:
                    logger.error("worker pid=%d does not answer; killing it", self.process.pid)
                    self.process.kill()
                    return
            await asyncio.wait([self.lost], timeout=min(rest, stall_seconds, pong_seconds))

    async def close(self, *, grace: float) -> int:
        """End the process, by force after *grace* seconds; its exit status."""
        if self.lost.done() and isinstance(fault := self.lost.result(), FrameError):
            logger.error("worker pid=%d sends nonsense; killing it: %s", self.process.pid, fault)
            self.process.kill()
        self.line.send(Stop())
        self._socket.close()
        try:
            status = await asyncio.to_thread(self.process.wait, grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = await asyncio.to_thread(self.process.wait)
        except asyncio.CancelledError:
            self.process.kill()
            self.process.wait()
            raise
        await asyncio.wait([self.lost])  # nobody reads any more, so this is at once
        return status


def _environment() -> dict[str, str]:
    """Environment of the process, without what is secret: tokens, keys and passwords."""
    kept = {name: value for name, value in os.environ.items() if not SECRET.search(name)}
    return {**kept, "PYTHONPATH": os.pathsep.join(_module_path())}


def _module_path() -> list[str]:
    """Our own module path; nothing else, such as the current folder, is searched."""
    return [folder or str(Path.cwd()) for folder in sys.path]


def _is_file(stream: object) -> bool:
    """True if a child can inherit *stream*; a test's or a service's may be no real file."""
    try:
        stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return False
    return True


def ending(status: int) -> str:
    """Exit status in words: ``was killed by SIGSEGV``, ``ended with status 1``."""
    if status >= 0:
        return f"ended with status {status}"
    return f"was killed by {signal.Signals(-status).name}"
