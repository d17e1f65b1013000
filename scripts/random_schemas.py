#!/usr/bin/env python3
"""Look for schemas that bring the engine down, or get an invalid answer without notice.

    scripts/random_schemas.py [COUNT] [--seed N] [--constraint ENGINE] [--vocabulary FILE.gguf]
                              [--list]

A model of random weights writes under the grammar of each of COUNT random schemas (default: 200),
in a real worker process; what it wrote is checked by jsonschema_rs.  Three numbers must be zero, or
the exit code is 1: deaths of the worker, crashes of the compiler, and invalid answers to schemas
with an empty report.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import repository  # noqa: F401 - finds the code and the packages

from gguf_fc.errors import GrammarError
from gguf_fc.generation.validation import Validators
from gguf_fc.grammar import Spacing, schema_to_grammar
from gguf_fc.job import (
    Chunk,
    ConstraintEngine,
    Done,
    Failed,
    GrammarText,
    Job,
    Load,
    Sampling,
    Segment,
)
from gguf_fc.models.gguf import read_header
from gguf_fc.worker.client import Worker
from schema_trials.generator import Generator
from tests.support.random_model import write_random_model

AT_ONCE = 8
MAX_TOKENS = 400
BAD = ("worker died", "compiler crashed", "invalid, not announced")


@dataclass(slots=True)
class Trial:
    """One model, one constraint, and what has happened so far."""

    worker: Worker
    special: dict[str, int]
    constraint: ConstraintEngine
    outcomes: Counter[str] = field(default_factory=Counter)
    compiling: list[float] = field(default_factory=list)
    notable: list[str] = field(default_factory=list)
    _validators: Validators = field(default_factory=Validators)

    async def put(self, schema: Any, seed: int) -> None:
        """Let the model write under *schema*, and note how that ended."""
        outcome, detail = await self._outcome(schema, seed)
        self.outcomes[outcome] += 1
        if outcome in BAD or outcome.startswith("failed"):
            shown = json.dumps(schema, ensure_ascii=False)
            self.notable.append(f"{outcome}: {detail}\n  seed {seed}: {shown}")

    async def _outcome(self, schema: Any, seed: int) -> tuple[str, str]:
        started = time.perf_counter()
        try:
            grammar = schema_to_grammar(schema, spacing=Spacing())
            text = self._text(grammar)
        except GrammarError as error:
            return "refused: nothing can match", error.message
        except Exception as error:  # noqa: BLE001  a bug in the compiler is what is looked for
            return "compiler crashed", repr(error)
        self.compiling.append(time.perf_counter() - started)
        written, end = await self._write(text, seed)
        if isinstance(end, Failed):
            names = {"worker_died": "worker died", "invalid_grammar": "refused by the engine"}
            return names.get(end.code, f"failed: {end.code}"), end.message
        if end.finish_reason == "length":
            return "cut off", ""
        verdict = await self._validators.judge("arguments", written, schema)
        announced = "announced" if grammar.report else "not announced"
        outcome = {"valid": "valid", "not_checked": "not checked"}
        found = outcome.get(verdict.result, f"invalid, {announced}")
        return found, f"{verdict.reason} in {written}"

    def _text(self, grammar: Any) -> GrammarText:
        if self.constraint == "llama.cpp":
            grammar.refuse_crowded()
            return GrammarText(gbnf=grammar.gbnf, tokens=tuple(grammar.tokens(self.special)))
        return GrammarText(llguidance=grammar.llguidance(self.special))

    async def _write(self, grammar: GrammarText, seed: int) -> tuple[str, Done | Failed]:
        job = Job(
            id=str(seed),
            prompt=(Segment("x"),),
            max_tokens=MAX_TOKENS,
            sampling=Sampling(temperature=1, seed=seed),
            grammar=grammar,
        )
        pieces: list[str] = []
        async with aclosing(self.worker.run(job)) as messages:
            async for message in messages:
                if isinstance(message, Chunk):
                    pieces.append(message.text)
                elif isinstance(message, Done | Failed):
                    return "".join(pieces), message
        raise AssertionError("a job without an end")


@asynccontextmanager
async def trial(constraint: ConstraintEngine, vocabulary: Path | None) -> AsyncIterator[Trial]:
    """A running worker with a random model."""
    with tempfile.TemporaryDirectory() as name:
        path = write_random_model(Path(name) / "m.gguf", vocabulary=vocabulary)
        load = Load(
            path=str(path),
            n_ctx=AT_ONCE * (MAX_TOKENS + 100),
            n_parallel=AT_ONCE,
            n_threads=1,
            constraint=constraint,
        )
        worker = Worker(load, cache_dir=Path(name))
        await worker.start()
        try:
            yield Trial(worker, dict(read_header(path).control_tokens), constraint)
        finally:
            await worker.stop()


async def run(arguments: argparse.Namespace) -> int:
    """Print the outcomes; return the exit code."""
    generator = Generator(arguments.seed)
    schemas = [generator.schema() for _ in range(arguments.count)]
    started = time.perf_counter()
    async with trial(arguments.constraint, arguments.vocabulary) as subject:
        places = asyncio.Semaphore(AT_ONCE)

        async def put(n: int) -> None:
            async with places:
                await subject.put(schemas[n], arguments.seed + n)

        async with asyncio.TaskGroup() as tasks:
            for n in range(len(schemas)):
                tasks.create_task(put(n))
    for outcome, count in sorted(subject.outcomes.items(), key=lambda item: -item[1]):
        print(f"{outcome:<28} {count:>6}")
    for outcome in BAD:
        print(f"{outcome:<28} {subject.outcomes[outcome]:>6}  (must be 0)")
    compiling = sorted(subject.compiling)
    print(f"{'compiling, median':<28} {1000 * compiling[len(compiling) // 2]:>6.1f} ms")
    print(f"{'compiling, worst':<28} {1000 * compiling[-1]:>6.0f} ms")
    print(f"{'in all':<28} {time.perf_counter() - started:>6.0f} s")
    if arguments.list:
        print(*subject.notable, sep="\n")
    return 1 if any(subject.outcomes[outcome] for outcome in BAD) else 0


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--constraint", choices=get_args(ConstraintEngine), default="llguidance")
    parser.add_argument("--vocabulary", type=Path, help="of a real model (default: a small one)")
    parser.add_argument("--list", action="store_true", help="print what should not have happened")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
