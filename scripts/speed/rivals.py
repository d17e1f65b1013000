"""Other servers on the same model, as processes that can be stopped and started.

Knows command lines and ports; nothing of workloads.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gguf_fc.bench.contender import end
from gguf_fc.errors import BenchError

READY_SECONDS = 180


@dataclass(slots=True, eq=False)
class Rival:
    """A server started by *command*; `{port}` in it becomes a free port."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def shown(self) -> str:
        """The command without the folders of this machine."""
        return " ".join(Path(word).name if "/" in word else word for word in self.command)

    async def start(self) -> str:
        """Start it, in place of the one that runs; its address.  Raises BenchError."""
        await self.stop()
        port = _free_port()
        command = [word.replace("{port}", str(port)) for word in self.command]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        url = f"http://127.0.0.1:{port}/v1"
        async with asyncio.timeout(READY_SECONDS):
            while not await asyncio.to_thread(_answers, f"{url}/models"):
                if self._process.returncode is not None:
                    raise BenchError(f"{self.name} ended while it started; see {self.log}")
                await asyncio.sleep(0.1)
        return url

    async def stop(self) -> None:
        """End it.  May be called again."""
        if self._process is not None:
            await end(self._process)


def llama_server(
    program: Path, model: Path, threads: int, ctx: int, log: Path, *, repack: bool
) -> Rival:
    """llama.cpp's own server with as many sequences and as much context as ours."""
    command = [
        *(str(program), "-m", str(model), "--port", "{port}", "--host", "127.0.0.1"),
        *(() if repack else ("--no-repack",)),
        *("-t", str(threads), "-c", str(ctx), "-np", "16", "-kvu", "--jinja"),
    ]
    return Rival("llama-server", command, log)


def packaged_server(
    path: Path, model: Path, threads: int, ctx: int, log: Path, *, repack: bool
) -> Rival:
    """llama-cpp-python's server; *path* is where its further dependencies are."""
    without = str(Path(__file__).parent / "packaged.py")
    command = [
        sys.executable,
        *(("-m", "llama_cpp.server") if repack else (without,)),
        *("--model", str(model), "--port", "{port}", "--host", "127.0.0.1"),
        *("--n_threads", str(threads), "--n_ctx", str(ctx)),
        *("--interrupt_requests", "False"),  # or a new request ends the one that runs
    ]
    return Rival("llama_cpp.server", command, log, {"PYTHONPATH": str(path)})


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)  # noqa: PLR2004 - the protocol's word for yes
    except (OSError, urllib.error.URLError):
        return False
