"""Renderer of chat templates in a process of its own: the owner's end.

One ``Renderer`` serves all templates of one model.  Its process starts when it is told to or with
the first rendering, is killed when a rendering goes beyond its limits, and starts again with the
next.  It ends when the ``Renderer`` is closed or nobody holds it or its templates any more.

Theory of operation.  Questions and answers alternate, under a lock: a rendering takes about a
millisecond.  A question is ``[key, template, variables, now]``: *key* stands for the template,
whose text is null once the process knows it.  An answer is ``[ok, text]``: the rendering, or what
went wrong.  The process bounds its own processor time and memory; the wall clock here is for
what escapes that, such as a process that was stopped.  Whatever goes wrong, the process is ended,
so a fresh one never sees what an old one left behind.  Beyond its processor time it was the
template's fault; otherwise ours, or somebody's who ended it, and a fresh process is asked once
more.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gguf_fc.errors import GgufFcError, RendererDied, RunawayTemplate, TemplateError
from gguf_fc.frames import PLAIN_JSON, FrameError
from gguf_fc.stillness import Stillness

COMMAND = (sys.executable, "-P", "-m", "gguf_fc.rendering.process")
CPU_SECONDS = 2.0  # for one rendering of a short conversation
WALL_SECONDS = 20.0  # for one answer; its processor time is bounded by far less
STILL_SECONDS = 3.0  # for an answer, without any computing: somebody stopped the process
LOOK_SECONDS = 0.5  # between two looks at whether it computes
ATTEMPTS = 2
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT}  # the memory's limit, as native code says
START_SECONDS = 60.0
READ_SIZE = 1 << 20
_NEEDED = ("PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class _Process:
    """A process that was started, and the line to it."""

    def __init__(self, seconds: float) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.popen = subprocess.Popen(  # noqa: S603 - our own program
                [*COMMAND, str(theirs.fileno()), str(seconds)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                process_group=0,  # Ctrl-C at the terminal is for the server
            )
        self._line = ours
        self._decoder = PLAIN_JSON.decoder()
        self._ready = False
        self._deadline = 0.0
        self.known: dict[str, int] = {}  # the templates it has seen, and their keys
        self.end = weakref.finalize(self, _end, self.popen, ours)

    def answer(self, frame: bytes) -> tuple[bool, str]:
        """The answer to a question.  Raises FrameError or OSError if there is none."""
        if not self._ready:
            self._deadline = time.monotonic() + START_SECONDS
            self._receive()
            self._ready = True
        self._deadline = time.monotonic() + WALL_SECONDS
        self._line.settimeout(WALL_SECONDS)
        self._line.sendall(frame)
        ok, text = self._receive()
        return bool(ok), str(text)

    def _receive(self) -> Any:
        """The next value; there is never more than one, because questions and answers alternate."""
        values: list[Any] = []
        stillness = Stillness(self.popen.pid)
        while not values:
            if (left := self._deadline - time.monotonic()) <= 0:
                raise TimeoutError("it does not answer")
            if not select.select([self._line], [], [], min(left, LOOK_SECONDS))[0]:
                if stillness.seconds() >= STILL_SECONDS:
                    raise TimeoutError("it neither answers nor computes")
                continue
            if not (data := self._line.recv(READ_SIZE)):
                raise FrameError("the other side is gone")
            values = self._decoder.feed(data)
        return values[0]


def _environment() -> dict[str, str]:
    """Variables of the process: our module path, what the interpreter needs, nothing secret."""
    kept = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def _end(popen: subprocess.Popen[bytes], line: socket.socket) -> None:
    line.close()
    popen.kill()  # no more than a request where it ended by itself: its status stays
    popen.wait()


@dataclass(slots=True, eq=False, weakref_slot=True)
class Renderer:
    """Compiles and renders templates elsewhere, for *seconds* of processor time at a time."""

    seconds: float = CPU_SECONDS
    _process: _Process | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def start(self) -> None:
        """Start the process now, without waiting for it, so that no rendering has to."""
        with self._lock:
            self._running()

    def compile(self, text: str) -> RemoteTemplate:
        """A template.  It is compiled, and so found to be none, when it is first rendered."""
        return RemoteTemplate(self, text)

    def render(self, text: str, variables: Mapping[str, Any], now: datetime) -> str:
        """The text.

        Raises TemplateError; RunawayTemplate if it took too much processor time; RendererDied if
        there was no answer, and none from a fresh process either.
        """
        with self._lock:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    ok, answer = self._ask(text, variables, now)
                    break
                except RendererDied:
                    if attempt == ATTEMPTS:
                        raise
        if not ok:
            raise TemplateError(answer)
        return answer

    def _ask(self, text: str, variables: Mapping[str, Any], now: datetime) -> tuple[bool, str]:
        process = self._running()
        key = process.known.get(text, len(process.known))
        sent = None if text in process.known else text
        try:
            frame = PLAIN_JSON.encode([key, sent, variables, now.isoformat()])
        except FrameError as error:
            raise TemplateError(f"This cannot be given to a chat template: {error}.") from error
        try:
            answer = process.answer(frame)
        except (FrameError, OSError) as error:
            raise self._ended(process) from error
        process.known[text] = key
        return answer

    def close(self) -> None:
        """End the process.  A later rendering would start another."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None

    def _running(self) -> _Process:
        """The process, or a new one if it was ended while nothing was asked."""
        if self._process is None or self._process.popen.poll() is not None:
            self._process = _Process(self.seconds)
        return self._process

    def _ended(self, process: _Process) -> GgufFcError:
        """End *process*; return what became of it."""
        self._process = None
        process.end()
        status = process.popen.returncode
        if status == -signal.SIGPROF:
            return RunawayTemplate(
                "Rendering the chat template took too much processor time; it was ended."
            )
        if status >= 0 or -status in CRASHES:
            return RunawayTemplate("Rendering the chat template took too much memory.")
        return RendererDied("The chat template could not be rendered: its process did not answer.")


@dataclass(frozen=True, slots=True)
class RemoteTemplate:
    """A template with the interface of ``dialect.prompt.template.Template``."""

    renderer: Renderer
    text: str

    def render(self, variables: Mapping[str, Any], now: datetime) -> str:
        return self.renderer.render(self.text, variables, now)
