"""A real server in a process of its own, for tests that talk to it as a client would."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from openai import OpenAI

ROOT = Path(__file__).parent.parent.parent
OFFLINE = Path(__file__).parent / "offline"  # its sitecustomize forbids all but loopback
START_SECONDS = 60
# Where repacking weights crashes, a server says so on its standard error; not with this.
QUIET = ("--no-repack",)


@dataclass(slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str  # ends in /v1
    lines: list[str]  # what it printed at start
    errors: Path  # its standard error

    @property
    def root(self) -> str:
        """The base URL of all protocols but OpenAI's."""
        return self.url.removesuffix("/v1")

    @property
    def worker(self) -> psutil.Process:
        """The process that runs the model now."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "gguf_fc.worker.process" in child.cmdline())

    def client(self) -> OpenAI:
        """The official client, told to try once only."""
        return OpenAI(base_url=self.url, api_key="none", max_retries=0, timeout=60)


@contextmanager
def running(
    folder: Path,
    *arguments: str,
    env: dict[str, str] | None = None,
    python: str = sys.executable,
) -> Iterator[Server]:
    """``gguf-fc serve`` with *arguments* on a free port; ended with the context."""
    errors = folder / "stderr.txt"
    # One thread: the models are tiny, and threads that wait for each other starve under load.
    serve = ["serve", "--port", "0", "--threads", "1", *arguments]
    command = [python, "-W", "error", "-m", "gguf_fc", *serve]
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**_environment(), **(env or {})},
        ) as process,
    ):
        try:
            lines = _start_lines(process, errors)
            url = next(line.split()[1] for line in lines if line.startswith("url"))
            yield Server(process, url, lines, errors)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _environment() -> dict[str, str]:
    paths = (str(OFFLINE), str(ROOT), os.environ.get("PYTHONPATH", ""))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "GGUF_FC_DISK_CACHE": "off",  # or a test would find what the one before has left
    }


def _start_lines(process: subprocess.Popen[str], errors: Path) -> list[str]:
    """The lines up to the URL; they are read in a thread, because a pipe has no timeout."""
    arriving: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, arriving), daemon=True).start()
    lines: list[str] = []
    while not any(line.startswith("url") for line in lines):
        line = arriving.get(timeout=START_SECONDS)
        assert line is not None, f"the server ended: {lines} {errors.read_text()}"
        lines.append(line)
    return lines


def _read(process: subprocess.Popen[str], arriving: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        arriving.put(line.rstrip("\n"))
    arriving.put(None)
