#!/usr/bin/env python3
"""Print the server's own cost, measured over an engine that answers at once.

    scripts/api_overhead.py [--tokens N] [--requests N] [--streams N ...]

For each number of streams at once: tokens per second of one stream (median), each token an event
of its own, and the time from sending a request to the first text of its reply (median and the
slowest tenth).  The engine is a process of its own, on the same machine as server and client, and
has said everything before the first text is read: these times are of a machine under full load.

Then, for replies of one token, one after the other: the time to the first text, and the processor
time that the server's processes spend on a whole reply, from connection to close.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

from repository import ROOT

import psutil

BODY = json.dumps({"messages": [{"role": "user", "content": "Hello!"}], "stream": True})
FOR_ONE_TOKEN = 300  # requests; processor times are counted in hundredths of a second
WARM_UP = 5  # requests before the first that counts


@dataclass(frozen=True, slots=True)
class Timing:
    """One reply."""

    first_text: float  # seconds from sending the request
    rest: float  # seconds from there to the end
    tokens: int

    @property
    def rate(self) -> float:
        """Tokens per second after the first."""
        return (self.tokens - 1) / self.rest


@dataclass(frozen=True, slots=True)
class Scripted:
    """A server over the scripted engine."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """Processor time that it and its children have used so far, the engine left out."""
        process = psutil.Process(self.pid)
        own = [one for one in process.children() if "overhead.worker" not in one.cmdline()]
        times = [one.cpu_times() for one in (process, *own)]
        return sum(spent.user + spent.system for spent in times)


@contextmanager
def scripted_server(tokens: int) -> Iterator[Scripted]:
    """A server that answers with so many *tokens*."""
    command = [sys.executable, "-m", "overhead.server", str(tokens)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield Scripted(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


def ask(port: int) -> Timing:
    """One streamed reply, read as it comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    started = time.perf_counter()
    connection.request("POST", "/v1/chat/completions", BODY, {"content-type": "application/json"})
    response = connection.getresponse()
    first, received = 0.0, bytearray()
    while piece := response.read1(65536):
        received += piece
        if not first and b'"content":"' in received:
            first = time.perf_counter()
    ended = time.perf_counter()
    connection.close()
    return Timing(first - started, ended - first, received.count(b'"content":"'))


def measured(port: int, streams: int, requests: int) -> list[Timing]:
    """*requests* replies, so many *streams* at once."""
    with ThreadPoolExecutor(streams) as threads:
        return list(threads.map(lambda _: ask(port), range(requests)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=2000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4])
    options = parser.parse_args()
    print("streams  tokens/s per stream  first text: median   slowest tenth")
    with scripted_server(options.tokens) as server:
        measured(server.port, 1, WARM_UP)
        for streams in options.streams:
            timings = measured(server.port, streams, options.requests)
            assert all(timing.tokens == options.tokens for timing in timings)
            waits = [timing.first_text * 1000 for timing in timings]
            rate = median(timing.rate for timing in timings)
            slow = quantiles(waits, n=10)[-1]
            print(f"{streams:>7}  {rate:>19,.0f}  {median(waits):>15.2f} ms  {slow:>10.2f} ms")
    with scripted_server(1) as server:
        measured(server.port, 1, WARM_UP)
        before = server.processor_seconds()
        waits = [timing.first_text * 1000 for timing in measured(server.port, 1, FOR_ONE_TOKEN)]
        spent = (server.processor_seconds() - before) / FOR_ONE_TOKEN
    print(f"first text of a reply of one token: {median(waits):.2f} ms (median)")
    print(f"processor time of a reply of one token: {spent * 1000:.2f} ms")


if __name__ == "__main__":
    main()
