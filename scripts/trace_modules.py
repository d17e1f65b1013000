#!/usr/bin/env python3
"""Print how many modules of the server process one trip enters: a measure of its joints.

    scripts/trace_modules.py [call|schema] [--list] [--all-threads]

- *call*: one streamed tool call, from the body of the request to the last frame.  The application
  runs in this process, over the real worker with the demo model.
- *schema*: the simplest JSON Schema to GBNF.

A module is entered when a Python function in its file is called, as ``sys.setprofile`` sees it, in
the thread of the event loop.  Imports are done before; the trip has been made once before, which
makes no difference to a call but compiles its grammar and loads its template elsewhere; code that
dataclasses generate has no file and does not count.  Prompt and grammar are made in a thread of
their own: ``--all-threads`` counts it too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import repository  # noqa: F401 - finds the code and the packages

import gguf_fc
from gguf_fc.config import Settings
from gguf_fc.grammar import schema_to_grammar
from gguf_fc.models.select_models import open_pool
from gguf_fc.server.app import create_app

PACKAGE = Path(gguf_fc.__file__).parent
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CALL = {
    "messages": [{"role": "user", "content": "What is the weather in Paris?"}],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather in a city",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}},
                    "required": ["city"],
                },
            },
        }
    ],
    "stream": True,
}


@dataclass(slots=True)
class Trace:
    """Modules entered while it is on."""

    modules: set[str] = field(default_factory=set, init=False)
    _on: bool = field(default=False, init=False)

    def watch_this_thread(self) -> None:
        """See the calls of this thread from now on."""
        sys.setprofile(self._see)

    def start(self) -> None:
        """Count from here."""
        self.modules.clear()
        self._on = True

    def stop(self) -> frozenset[str]:
        """The modules entered since ``start``, by their path in the package."""
        self._on = False
        return frozenset(self.modules)

    def _see(self, frame: FrameType, event: str, _argument: Any) -> None:
        if self._on and event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                self.modules.add(path.relative_to(PACKAGE).as_posix())


def modules_of_schema() -> frozenset[str]:
    """Modules between the simplest schema and its GBNF."""
    trace = Trace()
    trace.watch_this_thread()
    try:
        for _ in range(2):
            trace.start()
            assert schema_to_grammar(SCHEMA).gbnf
        return trace.stop()
    finally:
        sys.setprofile(None)


def modules_of_call(*, all_threads: bool = False) -> frozenset[str]:
    """Modules between the body of a streamed tool call and its last frame."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_modules_of_call(Path(folder), all_threads=all_threads))


async def _modules_of_call(folder: Path, *, all_threads: bool) -> frozenset[str]:
    trace = Trace()
    settings = Settings(cache_dir=folder, disk_cache=False, ctx=2048, parallel=1, threads=1)
    pool = open_pool(settings)
    loop = asyncio.get_running_loop()
    if all_threads:
        loop.set_default_executor(ThreadPoolExecutor(initializer=trace.watch_this_thread))
    try:
        await pool.start()
        app = create_app(pool)
        await _reply(app, CALL)
        trace.watch_this_thread()
        trace.start()
        frames = await _reply(app, CALL)
        assert b'"finish_reason":"tool_calls"' in frames, frames
        return trace.stop()
    finally:
        sys.setprofile(None)
        await pool.stop()


async def _reply(app: Callable[..., Any], body: Any) -> bytes:
    """The frames of a streamed chat completion."""
    received = bytearray()
    bodies = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"host", b"localhost:8080")],
        "server": ("127.0.0.1", 8080),
    }
    scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": ""}

    async def receive() -> Any:
        if not bodies:
            await asyncio.Event().wait()  # the client stays
        return bodies.pop()

    async def send(message: Any) -> None:
        received.extend(message.get("body", b""))

    await app(scope, receive, send)
    return bytes(received)


def main() -> None:
    """Print the count, and the modules if asked."""
    parser = argparse.ArgumentParser(description="Modules of the server that one trip enters.")
    parser.add_argument("trip", choices=("call", "schema"), nargs="?", default="call")
    parser.add_argument("--list", action="store_true", help="name the modules")
    parser.add_argument("--all-threads", action="store_true", help="the planning thread too")
    options = parser.parse_args()
    schema = options.trip == "schema"
    found = modules_of_schema() if schema else modules_of_call(all_threads=options.all_threads)
    print(f"{len(found)} modules")
    if options.list:
        print(*sorted(found), sep="\n")


if __name__ == "__main__":
    main()
