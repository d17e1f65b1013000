"""The rows of the table: what is played on which model, what is read off it, and what is wanted.

Knows workloads and figures; nothing of processes or pages.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from gguf_fc.bench.ratios import Spread, speedup
from gguf_fc.bench.rounds import Result
from gguf_fc.bench.sample import Sample, Scene, Workload
from gguf_fc.bench.workloads import WORKLOADS
from gguf_fc.errors import BenchError

OURS = "gguf-fc"
Against = Literal["llama-server", "llama_cpp.server", "itself"]
ModelName = Literal["ballast", "random"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    *figure* is what is held against *target*: how many times faster, or a note of our samples.
    A row with a *source* is read off that row's samples.
    """

    key: str
    about: str
    workload: Workload
    target: float
    against: Against = "llama-server"
    figure: str = "times faster"
    at_most: bool = False  # the target is a limit
    model: ModelName = "ballast"
    rounds: int = 3
    lives: int = 3  # a process may be a fifth slower than the next one, all its life
    warmups: int = 1
    tokens: int = 64
    source: str = ""

    def spread(self, result: Result) -> Spread | None:
        """The figure, over the rounds."""
        if self.figure == "times faster":
            return speedup(result, OURS, self.against)
        samples = result.samples.get(OURS, ())
        return Spread.of([s.notes[self.figure] for s in samples if self.figure in s.notes])

    def reached(self, spread: Spread) -> bool:
        """True if the median reaches the target."""
        return spread.median <= self.target if self.at_most else spread.median >= self.target


async def auto_share(scene: Scene) -> Sample:
    """Free text with twenty tools on offer, and right after it without a tool."""
    auto = await WORKLOADS["auto-text"].play(scene)
    plain = await WORKLOADS["plain-text"].play(scene)
    return Sample(auto.value, {"plain": plain.value, "share": auto.value / plain.value})


def beside_llama_bench(
    program: Path, model: Path, threads: int, *, repack: bool
) -> Callable[[Scene], Awaitable[Sample]]:
    """One stream of plain chat, and right after it llama-bench generating as much."""

    async def play(scene: Scene) -> Sample:
        chat = await WORKLOADS["chat"].play(scene)
        process = await asyncio.create_subprocess_exec(
            *(str(program), "-m", str(model), "-t", str(threads), "--repack", str(int(repack))),
            *("-p", "0", "-n", str(scene.tokens), "-r", "1", "-o", "json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await process.communicate()
        if process.returncode:
            raise BenchError(f"llama-bench ended with status {process.returncode}")
        rate = float(json.loads(out)[0]["avg_ts"])
        return Sample(chat.value, {"llama-bench": rate, "share": chat.value / rate})

    return play


def rows(llama_bench: Path, ballast: Path, threads: int, *, repack: bool) -> list[Row]:
    """Every row, in the order of the table."""
    tg = beside_llama_bench(llama_bench, ballast, threads, repack=repack)
    alone = Workload("chat-tg", "plain chat, then llama-bench", "tokens/s", tg)
    share = Workload("auto-share", "free text, 20 tools on offer", "tokens/s", auto_share)
    return [
        Row(
            key="call",
            about="required call, 3 tools, values copied: time to the complete call",
            workload=WORKLOADS["call-3"],
            target=2.0,
        ),
        Row(
            key="form",
            about="required call, 10 enums and numbers: time to the complete call",
            workload=WORKLOADS["form"],
            target=2.5,
        ),
        Row(
            key="structured",
            about="answer with 10 fixed keys: time to its end",
            workload=WORKLOADS["structured"],
            target=1.8,
        ),
        Row(
            key="chat",
            about="plain chat, one stream: tokens/s",
            workload=WORKLOADS["chat"],
            target=1.0,
        ),
        Row(
            key="chat-tg",
            about="the same against llama-bench's generation",
            workload=alone,
            target=0.97,
            against="itself",
            figure="share",
        ),
        Row(
            key="streams-2",
            about="2 streams: tokens/s of all",
            workload=WORKLOADS["streams-2"],
            target=1.0,
        ),
        Row(
            key="streams-8",
            about="8 streams: tokens/s of all",
            workload=WORKLOADS["streams-8"],
            target=1.0,
            rounds=2,
        ),
        Row(
            key="streams-8-packaged",
            about="8 streams against llama-cpp-python's server",
            workload=WORKLOADS["streams-8"],
            target=4.0,
            against="llama_cpp.server",
            rounds=1,
            warmups=0,
            tokens=32,
            lives=1,
        ),
        Row(
            key="agent",
            about="agent loop, turns 2 to 6: time to the first piece",
            workload=WORKLOADS["agent"],
            target=1.0,
            rounds=2,
        ),
        Row(
            key="agent-cached",
            about="the same: known tokens that were read again",
            workload=WORKLOADS["agent"],
            target=32,
            against="itself",
            figure="read again",
            at_most=True,
            source="agent",
        ),
        Row(
            key="cold-prompt",
            about="new prompt of 3,000 tokens: time to the first piece",
            workload=WORKLOADS["cold-prompt"],
            target=1.0,
            rounds=2,
            warmups=0,
            lives=1,
        ),
        Row(
            key="new-chat",
            about="new conversation, known prefix of 3,000 tokens: times faster than cold",
            workload=WORKLOADS["new-chat"],
            target=30,
            against="itself",
            figure="cold / warm",
            rounds=2,
            warmups=0,
            lives=1,
        ),
        Row(
            key="restart",
            about="first request after a restart, known prefix of 3,000 tokens",
            workload=WORKLOADS["restart"],
            target=30,
            rounds=1,
            warmups=0,
            lives=1,
        ),
        Row(
            key="auto-share",
            about="free text with 20 tools on offer: share of the speed without",
            workload=share,
            target=0.97,
            against="itself",
            figure="share",
            lives=1,
        ),
        Row(
            key="long-prompt",
            about="gap of 3 streams beside a prompt of 3,000 tokens: times the gap without it",
            workload=WORKLOADS["long-prompt"],
            target=3.0,
            against="itself",
            figure="times",
            at_most=True,
            rounds=1,
            warmups=0,
            tokens=16,
            lives=1,
        ),
        Row(
            key="random-form",
            about="answer with 10 enums and numbers, random weights, real vocabulary",
            workload=WORKLOADS["form-answer"],
            target=2.5,
            model="random",
            lives=1,
        ),
        Row(
            key="random-structured",
            about="answer with 10 fixed keys, random weights, real vocabulary",
            workload=WORKLOADS["structured"],
            target=1.8,
            model="random",
            lives=1,
        ),
    ]


def middle(result: Result, name: str) -> float | None:
    """The median of what *name* measured."""
    values = [sample.value for sample in result.samples.get(name, ())]
    return median(values) if values else None
