"""Child process of the server: starting, talking over its socket, heartbeat, ending."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gguf_fc.frames import MESSAGES, Decoder, FrameError
from gguf_fc.job import FromWorker, Message, Ping, Pong, Stop, ToWorker

logger = logging.getLogger(__name__)

READ_SIZE = 1 << 18
COMMAND = (sys.executable, "-P", "-m", "gguf_fc.worker.process")


@dataclass(slots=True, eq=False)
class Child:
    """A process that was started.  ``close`` it whatever happens."""

    process: subprocess.Popen[bytes]
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter
    _decoder: Decoder[Message] = field(default_factory=MESSAGES.decoder, init=False)

    @classmethod
    async def start(cls, command: Sequence[str]) -> Child:
        """Start *command* with the number of its inherited socket as the last argument."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program; takes milliseconds
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr if _is_file(sys.stderr) else subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(_module_path())},
                process_group=0,  # Ctrl-C at the terminal is for the server
            )
        try:
            reader, writer = await asyncio.open_connection(sock=ours)
        except BaseException:
            ours.close()
            process.kill()
            process.wait()
            raise
        return cls(process, reader, writer)

    def send(self, message: ToWorker) -> None:
        """Send *message*.  Raises FrameError; a child that is gone is noticed by ``receive``."""
        self._writer.write(MESSAGES.encode(message))

    async def receive(self) -> list[Message]:
        """The next messages; none when the child is gone."""
        messages: list[Message] = []
        while not messages:
            try:
                data = await self._reader.read(READ_SIZE)
            except OSError:
                data = b""
            if not data:
                break
            try:
                messages = self._decoder.feed(data)
            except FrameError:
                logger.exception("worker pid=%d sends nonsense; killing it", self.process.pid)
                self.process.kill()
                break
        return messages

    async def listen(
        self, deliver: Callable[[FromWorker], None], ping_seconds: float, pong_seconds: float
    ) -> None:
        """Hand every message to *deliver*, until the child is gone or has to be killed.

        Any message proves life.  After *ping_seconds* of silence the child is pinged, and after
        *pong_seconds* more without a word it is killed.
        """
        while messages := await self._receive_or_ping(ping_seconds, pong_seconds):
            for message in messages:
                if not isinstance(message, Pong):
                    deliver(message)  # type: ignore[arg-type]  # all that a worker sends

    async def _receive_or_ping(self, ping_seconds: float, pong_seconds: float) -> list[Message]:
        try:
            async with asyncio.timeout(ping_seconds):
                return await self.receive()
        except TimeoutError:
            self.send(Ping(0))
        try:
            async with asyncio.timeout(pong_seconds):
                return await self.receive()
        except TimeoutError:
            logger.exception("worker pid=%d does not answer; killing it", self.process.pid)
            self.process.kill()
            return []

    async def close(self, *, grace: float) -> int:
        """End the process, by force after *grace* seconds; its exit status."""
        with suppress(OSError):
            self.send(Stop())
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        try:
            return await asyncio.to_thread(self.process.wait, grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return await asyncio.to_thread(self.process.wait)
        except asyncio.CancelledError:
            self.process.kill()
            self.process.wait()
            raise


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
