#!/usr/bin/env python3
"""Measure the server beside llama-server; ``docs/performance.md`` is the output.

    scripts/performance.py --llama-server BIN/llama-server [--threads 1,2] [--rows call,chat]
                           [--quick] [--again] [--no-repack] [--folder DIR] [--page PAGE.md]

BIN also holds llama-bench; ``scripts/build_llama_server.py`` builds both from the sources inside
llama-cpp-python's own source release, so all run the same kernels, and prints BIN/llama-server.
Every row is kept in DIR as it is measured; a second run goes on with the rows that are missing.
``--quick`` plays everything once and small, to see that it works.  ``--packaged DIR`` names a
folder with what ``llama_cpp.server`` needs beside (``pip install --target``); without it that row
is left out.  ``--no-repack`` has every server leave the weights laid out as in the file: needed
where repacking crashes llama-server.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import ChainMap
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from repository import DATA, ROOT

from demo_model.ballast import Sizes, make_ballast
from gguf_fc.bench.bench import ends_of
from gguf_fc.bench.client import Client
from gguf_fc.bench.contender import Contender, ours
from gguf_fc.bench.ratios import table
from gguf_fc.bench.rounds import Result, Setting, play, words_per_token
from gguf_fc.bench.sample import Sample
from gguf_fc.models.gguf import read_header
from speed.page import Measured, causes_of, page
from speed.random_model import Shape, make_random_model
from speed.rivals import Rival, llama_server, packaged_server
from speed.rows import OURS, Row, rows

DEMO = ROOT / "gguf_fc" / "demo" / "demo.gguf"
CTX = 16_384  # tokens, shared by 16 sequences
ROW_SECONDS = 300  # a row that takes longer is given up
LONG, QUICK_LONG = 3000, 300  # tokens of a long prompt
QUICK_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Places of models and programs, and how much of everything is wanted."""

    folder: Path
    llama_server: Path
    packaged: Path | None
    vocabulary: Path
    quick: bool
    repack: bool

    def model(self, name: str) -> Path:
        """The file of a model, made if it is not there yet."""
        path = self.folder / f"{name}.gguf"
        if not path.exists():
            print(f"making {path}", flush=True)
            made = path.with_suffix(".part")
            if name == "ballast":
                make_ballast(DEMO, made, Sizes())
            else:
                make_random_model(self.vocabulary, made, Shape())
            made.rename(path)
        return path

    def rival(self, row: Row, threads: int) -> Rival:
        """The server that *row* is measured against."""
        model, log = self.model(row.model), self.folder / "rivals.log"
        if row.against == "llama-server":
            return llama_server(self.llama_server, model, threads, CTX, log, repack=self.repack)
        assert self.packaged is not None
        return packaged_server(self.packaged, model, threads, CTX // 4, log, repack=self.repack)

    @property
    def cache(self) -> Path:
        """Folder of our server's KV cache."""
        return self.folder / "cache"

    def rows(self, threads: int) -> list[Row]:
        """Every row."""
        llama_bench = self.llama_server.with_name("llama-bench")
        return rows(llama_bench, self.model("ballast"), threads, repack=self.repack)

    def serve(self, model: str, threads: int) -> list[str]:
        """The arguments of our server."""
        usual = [model, "--threads", str(threads), "--ctx", str(CTX), "--parallel", "16"]
        return usual if self.repack else [*usual, "--no-repack"]

    def setting(self, row: Row) -> Setting:
        """Numbers of rounds, and lengths."""
        header = read_header(self.model(row.model))
        usual = Setting(
            rounds=row.rounds,
            warmups=row.warmups,
            tokens=row.tokens,
            long_tokens=LONG,
            end_tokens=ends_of(header),
        )
        if not self.quick:
            return usual
        return dataclasses.replace(
            usual, rounds=1, warmups=0, tokens=QUICK_TOKENS, long_tokens=QUICK_LONG
        )

    def counts(self) -> set[int]:
        """The numbers of threads that anything was measured with."""
        mark = "quick-*" if self.quick else "[!q]*"
        return {int(file.stem.rpartition("-")[2]) for file in self.folder.glob(f"{mark}.json")}

    def file(self, row: Row, threads: int) -> Path:
        """File in which the samples of *row* are kept."""
        return (
            self.folder / f"{'quick-' if self.quick else ''}{row.source or row.key}-{threads}.json"
        )


@asynccontextmanager
async def contenders(
    bench: Bench, model: str, threads: int, rivals: Sequence[Rival]
) -> AsyncIterator[dict[str, Contender]]:
    """Our server and *rivals*, running side by side."""
    try:
        async with ours(bench.serve(str(bench.model(model)), threads)) as own:
            found = {OURS: own}
            for rival in rivals:
                found[rival.name] = Contender(rival.name, Client(await rival.start()), rival.start)
            yield found
            for rival in rivals:
                await found[rival.name].client.close()
    finally:
        for rival in rivals:
            await rival.stop()


async def measure(bench: Bench, wanted: Sequence[Row], threads: int) -> None:
    """Measure the rows that are not there yet, model by model and rival by rival.

    Each life of the servers begins with nothing in our cache.
    """
    missing = [row for row in wanted if not row.source and not bench.file(row, threads).exists()]
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in missing:
        rival = "llama-server" if row.against == "itself" else row.against
        groups.setdefault((row.model, rival), []).append(row)
    for (model, _), group in groups.items():
        against = [row for row in group if row.against != "itself"][:1]
        rivals = [bench.rival(row, threads) for row in against]
        for life in range(max(row.lives for row in group)):
            shutil.rmtree(bench.cache, ignore_errors=True)
            async with contenders(bench, model, threads, rivals) as found:
                ratio = await words_per_token(found[OURS])
                for row in group:
                    if life < row.lives:
                        await _measure_row(bench, row, threads, found, ratio)


async def _measure_row(
    bench: Bench, row: Row, threads: int, found: dict[str, Contender], ratio: float
) -> None:
    """Play *row*; what an earlier life of the servers gave stays beside it."""
    print(f"-- {row.key}, {threads} threads", flush=True)
    begun, load = time.monotonic(), os.getloadavg()[0]
    everyone = [found[OURS]] if row.against == "itself" else [found[OURS], found[row.against]]
    say = partial(print, flush=True)
    try:
        async with asyncio.timeout(ROW_SECONDS):
            result = await play(row.workload, everyone, bench.setting(row), ratio, say)
    except TimeoutError:
        result = Result(row.workload, {c.name: [] for c in everyone})
        result.failures[OURS] = f"given up after {ROW_SECONDS} s"
    print(table([result]), f"\n({time.monotonic() - begun:.0f} s)", flush=True)
    before = [found.result for found in measured(bench, [row], threads)]
    kept = {
        "samples": {
            name: [
                [sample.value, dict(sample.notes)]
                for samples in (*(earlier.samples.get(name, ()) for earlier in before), new)
                for sample in samples
            ]
            for name, new in result.samples.items()
        },
        "failures": dict(ChainMap(result.failures, *(earlier.failures for earlier in before))),
        "when": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": load,
    }
    bench.file(row, threads).write_text(json.dumps(kept), encoding="utf-8")


def measured(bench: Bench, wanted: Sequence[Row], threads: int) -> Iterator[Measured]:
    """The rows that there are samples of."""
    for row in wanted:
        if (path := bench.file(row, threads)).exists():
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            samples = {
                name: [Sample(value, notes) for value, notes in found]
                for name, found in kept["samples"].items()
            }
            result = Result(row.workload, samples, kept["failures"])
            yield Measured(row, result, kept["when"], kept["load"])


def about(bench: Bench) -> dict[str, str]:
    """Description of the machine and of the servers, for the page."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whatever git is used
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    rival = llama_server(
        bench.llama_server, Path("MODEL.gguf"), 1, CTX, Path(), repack=bench.repack
    )
    serve = " ".join(bench.serve("MODEL.gguf", 1)).replace("threads 1", "threads T")
    return {
        "written": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, at {revision}",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "ours": f"`gguf-fc serve {serve}`",
        "theirs": f"`{rival.shown.replace('-t 1', '-t T').replace('--port {port} ', '')}`",
        "llama.cpp": f"that of llama-cpp-python {version('llama-cpp-python')}, in both",
        "load": "processes that wanted to run as the row began, over the last minute; at most the "
        "number of threads where nobody else was busy",
        "again": "`scripts/performance.py --llama-server BIN/llama-server --page PAGE.md`",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def main() -> None:
    """Measure what is missing, write the page."""
    arguments = _parser().parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        folder=folder,
        llama_server=arguments.llama_server,
        packaged=arguments.packaged,
        vocabulary=arguments.vocabulary,
        quick=arguments.quick,
        repack=arguments.repack,
    )
    os.environ["GGUF_FC_CACHE_DIR"] = str(bench.cache)  # nobody else's prefixes
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended too
    for count in map(int, arguments.threads.split(",")):
        wanted = _wanted(bench.rows(count), arguments.rows, bench)
        if arguments.again:
            for row in wanted:
                bench.file(row, count).unlink(missing_ok=True)
        asyncio.run(measure(bench, wanted, count))
        if arguments.page is not None:
            _write(arguments.page, bench)


def _write(target: Path, bench: Bench) -> None:
    """The page of everything that has been measured so far."""
    found = {
        count: list(measured(bench, bench.rows(count), count)) for count in sorted(bench.counts())
    }
    old = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(page(found, about(bench), causes_of(old)) + "\n", encoding="utf-8")


def _wanted(everything: Sequence[Row], names: str, bench: Bench) -> list[Row]:
    chosen = set(filter(None, names.split(",")))
    if unknown := chosen - {row.key for row in everything}:
        sys.exit(
            f"no such row: {', '.join(unknown)}; known: {', '.join(r.key for r in everything)}"
        )
    chosen |= {row.source for row in everything if row.key in chosen}
    return [
        row
        for row in everything
        if (not chosen or row.key in chosen)
        and (bench.packaged is not None or row.against != "llama_cpp.server")
        and (bench.vocabulary.exists() or row.model != "random")
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--llama-server", type=Path, required=True, help="its program; llama-bench lies beside it")
    add("--packaged", type=Path, help="what llama_cpp.server needs beside llama_cpp")
    add("--vocabulary", type=Path, default=DATA / "vocab" / "ggml-vocab-qwen2.gguf")
    add("--folder", type=Path, default=Path(tempfile.gettempdir()) / "gguf-fc-performance")
    add("--threads", default="1,2", help="numbers of threads, with commas between them")
    add("--rows", default="", help="names, with commas between them (default: all)")
    add("--quick", action="store_true", help="everything once and small, kept apart")
    add("--again", action="store_true", help="measure also what is there already")
    add("--no-repack", dest="repack", action="store_false", help="in all servers")
    add("--page", type=Path, help="write docs/performance.md")
    return parser


if __name__ == "__main__":
    main()
