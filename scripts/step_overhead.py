#!/usr/bin/env python3
"""Print what a step costs beside the model itself, with a real vocabulary.

    PYTHONPATH=. scripts/step_overhead.py VOCABULARY.gguf [--steps 300]

VOCABULARY is any GGUF file; a model with its tokenizer and random weights is made from it, so that
nothing is known of what it says.  The time within llama_decode is taken off; what remains is
planning, sampling, grammar, text and messages, in milliseconds of processor time per step: median
and 95th percentile.  A step serves every stream.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from gguf_fc.engine.constraint import Grammars
from gguf_fc.engine.llama import Llama
from gguf_fc.engine.loop import Engine
from gguf_fc.engine.model import Feed, Logits
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
    "free text, may call": (Sampling(seed=1), FREE),
    "calls": (Sampling(seed=1), CALL),
}


@dataclass(slots=True, eq=False)
class Timed:
    """A model that notes how long it is at work."""

    model: Llama
    seconds: float = field(default=0.0, init=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        """Evaluate a batch."""
        began = time.thread_time()
        rows = self.model.decode(feeds)
        self.seconds += time.thread_time() - began
        return rows


def overheads(model: Llama, n_streams: int, case: str, n_steps: int) -> list[float]:
    """Milliseconds of each step that are not the model's."""
    sampling, grammar = CASES[case]
    said: list[FromWorker] = []
    timed = Timed(model)
    load = Load(path="", n_parallel=n_streams)
    engine = Engine(timed, Grammars(model.vocabulary).compile, said.append, load)  # type: ignore[arg-type]
    for stream in range(n_streams):
        engine.submit(
            Job(
                id=str(stream),
                prompt=(Segment(f"Text number {stream} of a few. "),),
                sampling=sampling,
                grammar=GrammarText(llguidance=grammar) if grammar else None,
            )
        )
    times: list[float] = []
    for _ in range(n_steps):
        if len(engine.scheduler.running) < n_streams and times:
            break  # a stream has come to its end
        began, busy = time.thread_time(), timed.seconds
        engine.step()
        times.append(1000 * (time.thread_time() - began - (timed.seconds - busy)))
    return times[n_streams:]  # without the prompts' steps


def main() -> None:
    """Make the model, run each case with one and with eight streams."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = write_random_model(Path(folder) / "m.gguf", vocabulary=chosen.vocabulary)
        load = Load(path=str(path), n_ctx=8192, n_threads=1, n_parallel=8, use_extra_bufts=False)
        with closing(Llama(load)) as model:
            print(f"{model.ready().n_vocab:,} tokens; ms per step: median (95th percentile)")
            for case in CASES:
                line = f"{case:24}"
                for n_streams in (1, 8):
                    times = overheads(model, n_streams, case, chosen.steps)
                    *_, late = statistics.quantiles(times, n=20)
                    line += f"  {n_streams} streams {statistics.median(times):6.3f} ({late:6.3f})"
                print(line, flush=True)


if __name__ == "__main__":
    main()
