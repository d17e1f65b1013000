#!/usr/bin/env python3
"""Kill workers under streams, and send what would stall others: what the clients see of it.

    scripts/torture.py kills [--kills N] [--streams N] [--seed N]
    scripts/torture.py attacks

- *kills*: the worker is killed (SIGKILL, SIGSEGV) or stopped (SIGSTOP) at random moments under
  streams of text, structured answers and calls.  A reply is a fault if it has no regular end or is
  not exactly what its schema says: a token lost or doubled shows.  Recovery is the time from a kill
  to the next piece of each stream.
- *attacks*: large requests beside a stream; each with its status, its time and the stream's longest
  gap meanwhile.

Exit code 1 if there was a fault, or if the server or, under *attacks*, the worker is another
process than before.  Figures: docs/reliability.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import repository  # noqa: F401 - finds the code and the packages

import httpx
import psutil

from tests.support.server import QUIET, Server, running
from torture_trials.streams import Seen, longest_gap, read_for_ever

SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)
WEIGHTS = (45, 45, 10)
MOST_SECONDS = 60.0  # for a worker to be there again


async def kills(server: Server, n_kills: int, n_streams: int, random: Random) -> int:
    """Kill the worker *n_kills* times; print the figures and return the number of faults."""
    seen, moments, done = Seen(), [], False
    pid, begin = server.process.pid, time.monotonic()
    clients = [
        asyncio.create_task(read_for_ever(n, server.url, seen, lambda: done))
        for n in range(n_streams)
    ]
    await asyncio.sleep(3)
    for _ in range(n_kills):
        number = random.choices(SIGNALS, WEIGHTS)[0]
        os.kill((await worker(server)).pid, number)
        moments.append(time.monotonic())
        await recovered(seen, moments[-1], n_streams)
        await asyncio.sleep(random.uniform(0, 1.5))
    done = True
    await asyncio.wait(clients, timeout=MOST_SECONDS * 2)
    seconds = time.monotonic() - begin
    times = [at for n in range(n_streams) if (at := recovery(seen.pieces.get(n, []), moments))]
    waits = sorted(wait for found in times for wait in found)
    print(f"{n_kills} kills under {n_streams} streams in {seconds:.0f} s")
    print(f"{seen.replies} replies, {len(seen.faults)} faults")
    print(f"recovery: median {statistics.median(waits):.2f} s, worst {waits[-1]:.2f} s")
    print(f"server restarts: {int(server.process.poll() is not None or server.process.pid != pid)}")
    for fault in seen.faults[:20]:
        print(f"  {fault}")
    return len(seen.faults) + (server.process.poll() is not None)


async def worker(server: Server) -> psutil.Process:
    """The process that runs the model, as soon as there is one."""
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        try:
            return server.worker
        except (StopIteration, psutil.NoSuchProcess):
            await asyncio.sleep(0.02)
    raise TimeoutError("there is no worker")


async def recovered(seen: Seen, since: float, n_streams: int) -> None:
    """Return when each stream has gone on, or a minute has passed."""
    end = time.monotonic() + MOST_SECONDS
    while time.monotonic() < end:
        lasts = [times[-1] for times in seen.pieces.values() if times]
        if len(lasts) == n_streams and min(lasts) > since + 0.05:
            return
        await asyncio.sleep(0.02)


def recovery(times: list[float], moments: list[float]) -> list[float]:
    """Seconds from each of *moments* to the next piece; what was on its way then is none."""
    return [
        min((at for at in times if at > moment + 0.05), default=moment) - moment
        for moment in moments
    ]


def large(words: int) -> dict[str, Any]:
    """Conversation of so many words."""
    return {"model": "demo", "messages": [{"role": "user", "content": "ab " * words}]}


# Name, path and body of each; made when they are sent, as some are large.
ATTACKS: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    (
        "/tokenize, 12 MB, pieces",
        "/tokenize",
        lambda: {"content": "a b " * 3_000_000, "with_pieces": True},
    ),
    ("/tokenize, 30 MB", "/tokenize", lambda: {"content": "a b " * 7_500_000}),
    ("chat, 10 MB", "/v1/chat/completions", lambda: large(3_333_000)),
    ("chat, 3 MB", "/v1/chat/completions", lambda: large(1_000_000)),
    (
        "completion, 30 MB",
        "/v1/completions",
        lambda: {"model": "demo", "prompt": "ab " * 10_000_000, "max_tokens": 2},
    ),
    ("count_tokens, 15 MB", "/v1/messages/count_tokens", lambda: large(5_000_000)),
    (
        "prediction, 28 MB",
        "/v1/chat/completions",
        lambda: {
            **large(1),
            "max_tokens": 5,
            "prediction": {"type": "content", "content": "ab " * 9_300_000},
        },
    ),
    ("embedding, 10 MB", "/v1/embeddings", lambda: {"model": "demo", "input": "ab " * 3_333_000}),
    (
        "logit_bias, key 10^30",
        "/v1/chat/completions",
        lambda: {**large(1), "max_tokens": 5, "logit_bias": {"1" + "0" * 30: 1}},
    ),
    ("n = 1e9", "/v1/chat/completions", lambda: {**large(1), "n": 10**9}),
    (
        "5,000 tools",
        "/v1/chat/completions",
        lambda: {
            **large(1),
            "tools": [{"type": "function", "function": {"name": f"f{n}"}} for n in range(5000)],
        },
    ),
)


async def attacks(server: Server) -> int:
    """Send each attack beside a stream; print the figures and return the number of faults."""
    seen, done = Seen(), False
    pid = server.worker.pid
    reader = asyncio.create_task(read_for_ever(1, server.url, seen, lambda: done))
    await asyncio.sleep(2)
    begin = time.monotonic()
    await asyncio.sleep(5)
    alone = longest_gap(seen.pieces[1], begin, time.monotonic())
    print(f"stream alone: longest gap {alone:.2f} s")
    faults = 0
    async with httpx.AsyncClient(timeout=120) as http:
        for name, path, body in ATTACKS:
            request = http.build_request("POST", f"{server.root}{path}", json=body())
            begin = time.monotonic()
            response = await http.send(request)
            end = time.monotonic()
            gap = longest_gap(seen.pieces[1], begin, max(end, begin + 0.5))
            print(f"{name:26} {response.status_code} {end - begin:6.2f} s, gap {gap:5.2f} s")
            faults += response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    done = True
    await asyncio.wait([reader], timeout=MOST_SECONDS)
    print(f"worker: {'the same' if server.worker.pid == pid else 'another'}")
    return faults + len(seen.faults) + (server.worker.pid != pid)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    trials = parser.add_subparsers(dest="trial", required=True)
    killing = trials.add_parser("kills")
    killing.add_argument("--kills", type=int, default=200)
    killing.add_argument("--streams", type=int, default=8)
    killing.add_argument("--seed", type=int, default=1)
    trials.add_parser("attacks")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), *QUIET, "--parallel", "8") as server,
    ):
        if given.trial == "attacks":
            return int(asyncio.run(attacks(server)) > 0)
        random = Random(given.seed)  # noqa: S311 - no secrets
        return int(asyncio.run(kills(server, given.kills, given.streams, random)) > 0)


if __name__ == "__main__":
    sys.exit(main())
