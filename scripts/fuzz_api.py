#!/usr/bin/env python3
"""Send odd bodies to every operation of a server of its own, and see that nothing but clean errors
comes back and that no worker dies.

    scripts/fuzz_api.py [--bodies N] [--seed N] [--model FILE]

A body is an example of the API with some changes, or made from its schema in ``/openapi.json``.  A
response is a fault if its status is 5xx, if it is 4xx and names no parameter, if its stream ends
with an error of the server's, or if it does not come within a minute.  Ends with exit code 1 if
there was a fault, or if the worker is another process than before.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

import repository  # noqa: F401 - finds the code and the packages

import httpx
import psutil

from api_trials.bodies import bounded, odd_bodies
from api_trials.judge import Outcome, fault
from tests.support.server import Server, running

AT_ONCE = 4
SECONDS = 60
CONTEXT = 1024  # tokens, so that a reply whose limit was taken away comes to an end in time


@dataclass(slots=True)
class Trial:
    """Request that was sent, and the fault of its answer."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def note(self, path: str, body: bytes, outcome: Outcome) -> None:
        """Take in one response."""
        self.statuses[path, outcome.status] += 1
        if found := fault(outcome):
            self.faults.append(f"{path}: {found}\n  {body[:2000]!r}")


def bodies(document: dict[str, Any], seed: int) -> Iterator[tuple[str, bytes]]:
    """Paths and bodies without end, every operation in turn."""
    components = document["components"]["schemas"]
    sources = []
    for path, methods in document["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        if not content:
            continue
        described = content["application/json"]
        schema = described["schema"]
        known = set(components[schema["$ref"].rsplit("/", 1)[-1]]["properties"])
        for name, example in described["examples"].items():
            chance = Random(f"{seed} {path} {name}")  # noqa: S311
            body = bounded(example["value"], known)
            sources.append((path, odd_bodies(body, schema, components, chance)))
    for path, source in cycle(sources):
        yield path, next(source)


async def trial(url: str, count: int, seed: int) -> Trial:
    """Send *count* bodies to the server at *url*, and an odd name to its model route."""
    result = Trial()
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as client:
        document = (await client.get("/openapi.json")).json()
        waiting = islice(bodies(document, seed), count)

        async def send_on() -> None:
            for path, body in waiting:
                await _send(client, path, body, result)

        await asyncio.gather(*(send_on() for _ in range(AT_ONCE)))
        for name in ("nothing", "a/b", "%00", "%F0%9F%92%A5", "..%2F"):
            found = await client.get(f"/v1/models/{name}")
            result.note(
                "/v1/models/{name}", name.encode(), Outcome(found.status_code, found.content)
            )
    return result


async def _send(client: httpx.AsyncClient, path: str, body: bytes, result: Trial) -> None:
    headers = {"content-type": "application/json"}
    try:
        found = await client.post(path, content=body, headers=headers)
    except httpx.HTTPError as error:
        result.faults.append(f"{path}: {type(error).__name__}\n  {body[:2000]!r}")
        return
    result.note(path, body, Outcome(found.status_code, found.content))


def worker_pids(server: Server) -> set[int]:
    """The processes that run a model for *server*."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    return {one.pid for one in children if "gguf_fc.worker.process" in one.cmdline()}


def main() -> None:
    """Run the trial and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="a GGUF file; by default the demo model")
    options = parser.parse_args()
    arguments = [*([options.model] if options.model else []), "--ctx", str(CONTEXT)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), *arguments) as server,
    ):
        before = worker_pids(server)
        result = asyncio.run(trial(server.url.removesuffix("/v1"), options.bodies, options.seed))
        after = worker_pids(server)
    for (path, status), count in sorted(result.statuses.items()):
        print(f"{path:<32} {status} {count:>6}")
    print(*result.faults, sep="\n")
    print(f"{len(result.faults)} faults; worker {before} before, {after} after")
    sys.exit(1 if result.faults or before != after else 0)


if __name__ == "__main__":
    main()
