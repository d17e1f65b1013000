"""Servers that are measured: ours, which is started here, and others that run already.

Knows processes and addresses; nothing of workloads.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gguf_fc.bench.client import Client
from gguf_fc.errors import BenchError

STOP_SECONDS = 20
OURS = "gguf-fc"
# Settings of the user's own server: ours is reached on loopback, by whoever started it.
CONNECTION_SETTINGS = frozenset(
    {
        *("GGUF_FC_HOST", "GGUF_FC_UDS", "GGUF_FC_TLS_CERT", "GGUF_FC_TLS_KEY"),
        *("GGUF_FC_API_KEY", "GGUF_FC_API_KEY_FILE", "GGUF_FC_INSECURE_NO_KEY"),
        *("GGUF_FC_ALLOW_HOST", "GGUF_FC_ALLOW_ORIGIN"),
    }
)


@dataclass(slots=True, eq=False)
class Contender:
    """A server under a name.  With *start_again* it can be stopped and started."""

    name: str
    client: Client
    start_again: Callable[[], Awaitable[str]] | None = None

    async def restart(self) -> Client:
        """Start the server anew; return a client of it."""
        assert self.start_again is not None
        url = await self.start_again()
        await self.client.close()
        self.client = Client(url)
        return self.client


@asynccontextmanager
async def others(urls: Sequence[str]) -> AsyncIterator[list[Contender]]:
    """Clients of servers that run already, named by their addresses; closed with the context."""
    contenders = [Contender(urlsplit(url).netloc or url, Client(url)) for url in urls]
    try:
        yield contenders
    finally:
        for contender in contenders:
            await contender.client.close()


def own_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """*environ* without what says who may connect, and where."""
    return {name: text for name, text in environ.items() if name not in CONNECTION_SETTINGS}


@dataclass(slots=True, eq=False)
class OwnServer:
    """``gguf-fc serve`` in a process of its own."""

    arguments: Sequence[str]
    _process: Process | None = field(default=None, init=False)

    async def start(self) -> str:
        """Start it, in place of the one that runs; return its address.  Raises BenchError."""
        await self.stop()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gguf_fc", "serve", "--port", "0"),
            *self.arguments,
            stdout=asyncio.subprocess.PIPE,
            env=own_environment(os.environ),
        )
        assert self._process.stdout is not None
        while line := (await self._process.stdout.readline()).decode().split():
            if line[0] == "url":
                return line[1]
        raise BenchError("our own server does not start; run 'gguf-fc serve' to see why")

    async def stop(self) -> None:
        """End it, by force if it takes too long.  May be called again."""
        if self._process is not None:
            await end(self._process)


async def end(process: Process) -> None:
    """Ask *process* to end, and kill it if it takes too long.  It may have ended already."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def ours(arguments: Sequence[str]) -> AsyncIterator[Contender]:
    """Our server, started with these arguments of ``serve``, ended with the context."""
    server = OwnServer(arguments)
    try:
        contender = Contender(OURS, Client(await server.start()), server.start)
        try:
            yield contender
        finally:
            await contender.client.close()
    finally:
        await server.stop()
