"""The server, over the scripted worker, as a program: prints its port and answers until ended.

The demo model's file lends its template and vocabulary; its weights are never loaded.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import uvicorn

from gguf_fc.config import Settings
from gguf_fc.job import Load
from gguf_fc.models.load_plan import LoadPlan, plan_load
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.server.app import create_app
from gguf_fc.worker.client import Worker
from overhead.worker import COMMAND

ROOT = Path(__file__).resolve().parent.parent.parent


async def serve(tokens: int, folder: Path) -> None:
    """Answer every request with so many *tokens*."""

    def planned(entry: Entry) -> LoadPlan:
        made = plan_load(entry, Settings(ctx=4096))
        return replace(made, load=replace(made.load, path=f"{folder}/{tokens}.gguf"))

    def worker(load: Load) -> Worker:
        return Worker(load, cache_dir=folder, command=COMMAND)

    model = next((ROOT / "gguf_fc" / "demo").glob("*.gguf"))
    pool = Pool([Entry(alias="demo", source=model)], plan=planned, make_worker=worker)
    await pool.start()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(pool), log_level="warning", access_log=False)
    print(listener.getsockname()[1], flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


def main() -> None:
    """Serve until ended."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(int(sys.argv[1]), Path(folder)))


if __name__ == "__main__":
    main()
