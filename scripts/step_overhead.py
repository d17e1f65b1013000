#!/usr/bin/env python3
"""Print what a step costs beside the model itself, with a real vocabulary.

    scripts/step_overhead.py VOCABULARY.gguf [--steps 300] [--cases greedy,calls]

VOCABULARY is any GGUF file; a model with its tokenizer and random weights is made from it, so that
nothing is known of what it says.  All figures are milliseconds of processor time per step, medians;
a step serves every stream.  The time within llama_decode is taken off.  Of what remains,

- *logits* is numpy's: reading the rows, and sampling from them;
- *grammar* is llguidance's: testing tokens, masks, what is forced;
- *rest* is ours: planning, drafts, text, messages, the search for the likeliest after a refusal.

The last column is what llama.cpp's own samplers take for one row with the same settings.
"""

from __future__ import annotations

import argparse
import ctypes
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import repository  # noqa: F401 - finds the code and the packages

import llama_cpp

from gguf_fc.engine.constrain.llguidance import Grammars
from gguf_fc.engine.llama.llama import Llama
from gguf_fc.engine.loop import Engine
from gguf_fc.job import FromWorker, GrammarText, Job, Load, Sampling, Segment
from tests.support.random_model import write_random_model

CALL = r'start: ("{\"city\": \"" /[a-z ]{5,30}/ "\", \"unit\": " ("1" | "-1") "}\n"){500}'
FREE = r'start: head /[a-z]{1,9}/ "</tool_call>"' + "\n" + r"head[lazy]: /(?s:.*)<tool_call>/"
CASES: dict[str, tuple[Sampling, str | None]] = {
    "greedy": (Sampling(temperature=0), None),
    "default sampling": (Sampling(seed=1), None),
    "penalties and biases": (
        Sampling(seed=1, repeat_penalty=1.1, logit_bias=((5, 1.0), (9, -1.0))),
        None,
    ),
    "top_p without top_k": (Sampling(seed=1, top_k=0), None),
    "no cut at all": (Sampling(seed=1, top_k=0, top_p=1, min_p=0), None),
    "free text": (Sampling(seed=1), FREE),
    "calls": (Sampling(seed=1), CALL),
}


NATIVE_TRIALS = 50


@dataclass(slots=True, eq=False)
class Stopwatch:
    """Seconds of processor time."""

    seconds: float = field(default=0.0, init=False)

    def time(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call *work*, timed; return its result."""
        began = time.thread_time()
        try:
            return work(*arguments)
        finally:
            self.seconds += time.thread_time() - began


class Timed:
    """Something whose methods are timed; its copies' too."""

    def __init__(self, timed: Any, watch: Stopwatch) -> None:
        self._timed, self._watch = timed, watch

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._timed, name)
        return partial(self._watch.time, value) if callable(value) else value

    def copy(self, *arguments: Any) -> Any:
        """The same, and another one is timed by the same watch."""
        result = self._watch.time(self._timed.copy, *arguments)
        return None if result is None else Timed(result, self._watch)


@dataclass(frozen=True, slots=True)
class Parts:
    """Milliseconds of a step."""

    logits: float
    grammar: float
    rest: float

    @property
    def all(self) -> float:
        return self.logits + self.grammar + self.rest


def overheads(model: Llama, n_streams: int, case: str, n_steps: int) -> list[Parts]:
    """Costs of each step beside the model."""
    sampling, grammar = CASES[case]
    said: list[FromWorker] = []
    watches = decoding, logits, grammars = Stopwatch(), Stopwatch(), Stopwatch()
    load = Load(path="", n_parallel=n_streams)
    compile_grammar = Grammars(model.vocabulary).compile
    engine = Engine(Timed(model, decoding), compile_grammar, said.append, load)
    for stream in range(n_streams):
        engine.submit(
            Job(
                id=str(stream),
                prompt=(Segment(f"Text number {stream} of a few. "),),
                sampling=sampling,
                grammar=GrammarText(llguidance=grammar) if grammar else None,
            )
        )
    for sequence in engine.scheduler.waiting:
        sequence.sampler = Timed(sequence.sampler, logits)  # type: ignore[assignment]
        if sequence.constraint:
            sequence.constraint = Timed(sequence.constraint, grammars)
    steps: list[Parts] = []
    for _ in range(n_steps):
        if len(engine.scheduler.running) < n_streams and steps:
            break  # a stream has come to its end
        before = [watch.seconds for watch in watches]
        whole = _milliseconds(engine.step)
        model_ms, logits_ms, grammar_ms = (
            1000 * (watch.seconds - start) for watch, start in zip(watches, before, strict=True)
        )
        steps.append(Parts(logits_ms, grammar_ms, whole - model_ms - logits_ms - grammar_ms))
    return steps[n_streams:]  # without the prompts' steps


def _milliseconds(work: Callable[[], object]) -> float:
    watch = Stopwatch()
    watch.time(work)
    return 1000 * watch.seconds


def native(model: Llama, sampling: Sampling) -> float:
    """Milliseconds that llama.cpp's own samplers take for one row."""
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_threads = 64, 1
    context = llama_cpp.llama_init_from_model(model.native, params)
    chain = _chain(sampling, len(model.vocabulary.pieces))
    batch = llama_cpp.llama_batch_get_one((ctypes.c_int32 * 1)(0), 1)
    times = []
    for _ in range(NATIVE_TRIALS):
        llama_cpp.llama_decode(context, batch)
        times.append(_milliseconds(lambda: llama_cpp.llama_sampler_sample(chain, context, 0)))
    llama_cpp.llama_sampler_free(chain)
    llama_cpp.llama_free(context)
    return median(times)


def _chain(sampling: Sampling, n_vocab: int) -> Any:
    """The same choice by llama.cpp."""
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    s, steps = sampling, []
    if s.logit_bias:
        biases = (llama_cpp.llama_logit_bias * len(s.logit_bias))(*s.logit_bias)
        steps.append(llama_cpp.llama_sampler_init_logit_bias(n_vocab, len(biases), biases))
    if s.repeat_penalty != 1:
        steps.append(
            llama_cpp.llama_sampler_init_penalties(
                n_vocab, s.penalty_last_n, s.repeat_penalty, 0, 0
            )
        )
    if not s.temperature:
        steps.append(llama_cpp.llama_sampler_init_greedy())
    else:
        steps += [
            llama_cpp.llama_sampler_init_top_k(s.top_k),
            llama_cpp.llama_sampler_init_top_p(s.top_p, 1),
            llama_cpp.llama_sampler_init_min_p(s.min_p, 1),
            llama_cpp.llama_sampler_init_temp(s.temperature),
            llama_cpp.llama_sampler_init_dist(s.seed or 1),
        ]
    for step in steps:
        llama_cpp.llama_sampler_chain_add(chain, step)
    return chain


def main() -> None:
    """Make the model, run each case with one and with eight streams."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--cases", default=",".join(CASES), help=f"of {', '.join(CASES)}")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_random_model(Path(folder) / "m.gguf", vocabulary=chosen.vocabulary)
        load = Load(path=str(path), n_ctx=8192, n_threads=1, n_parallel=8, use_extra_bufts=False)
        with closing(Llama(load)) as model:
            print(f"{model.ready().n_vocab:,} tokens; ms of processor time per step")
            for case in chosen.cases.split(","):
                for n_streams in (1, 8):
                    line = _line(overheads(model, n_streams, case, chosen.steps))
                    print(f"{case:24} {n_streams} streams {line}", end="", flush=True)
                    print("" if n_streams == 1 else f"; llama.cpp {_native(model, case)}")


def _line(steps: list[Parts]) -> str:
    late = quantiles([step.all for step in steps], n=20)[-1]
    logits, grammar, rest, whole = (
        median(getattr(step, part) for step in steps)
        for part in ("logits", "grammar", "rest", "all")
    )
    return (
        f"{whole:6.3f} (95 % below {late:6.3f}): "
        f"logits {logits:6.3f}, grammar {grammar:6.3f}, rest {rest:6.3f}"
    )


def _native(model: Llama, case: str) -> str:
    return f"{native(model, CASES[case][0]):.3f} a row"


if __name__ == "__main__":
    main()
