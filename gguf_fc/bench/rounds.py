"""Plays workloads for all contenders, round by round, each round in another order.

Interleaved rounds share the load of the machine, so their ratios hold where times do not.
Knows nothing of HTTP or of how results are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gguf_fc.bench.contender import Contender
from gguf_fc.bench.material import words
from gguf_fc.bench.sample import Sample, Scene, Workload
from gguf_fc.errors import BenchError

WORDS_TRIED = 100
SHORT_TRIED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Numbers of rounds, and lengths in tokens."""

    rounds: int = 5
    warmups: int = 1  # rounds that are played but not counted
    tokens: int = 64  # of a free reply
    long_tokens: int = 3000  # of a long prompt
    end_tokens: tuple[int, ...] = ()


@dataclass(slots=True)
class Result:
    """Samples of one workload by contender; one that failed has a reason instead."""

    workload: Workload
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


async def words_per_token(contender: Contender) -> float:
    """Words of filler per token, by the model's tokenizer: measured on two prompts."""
    counts = []
    for count in (SHORT_TRIED, WORDS_TRIED):
        message = {"role": "user", "content": words(count, 0)}
        reply = await contender.client.ask({"messages": [message], "max_tokens": 1})
        if reply.prompt_tokens is None:
            raise BenchError(f"{contender.name} does not say how long a prompt is")
        counts.append(reply.prompt_tokens)
    return (WORDS_TRIED - SHORT_TRIED) / max(1, counts[1] - counts[0])


async def play(
    workload: Workload,
    contenders: Sequence[Contender],
    setting: Setting,
    ratio: float,
    say: Callable[[str], None],
) -> Result:
    """Play one workload; *ratio* is words per token, *say* is told of failures."""
    result = Result(workload, {contender.name: [] for contender in contenders})
    for number in range(setting.warmups + setting.rounds):
        shift = number % len(contenders)
        for contender in (*contenders[shift:], *contenders[:shift]):
            if contender.name in result.failures:
                continue
            scene = Scene(
                client=contender.client,
                number=number,
                tokens=setting.tokens,
                long_tokens=setting.long_tokens,
                words_per_token=ratio,
                end_tokens=setting.end_tokens,
                restart=contender.restart if contender.start_again else None,
            )
            try:
                sample = await workload.play(scene)
            except BenchError as error:
                result.failures[contender.name] = error.message
                say(f"{workload.name}: {contender.name}: {error.message}")
                continue
            if number >= setting.warmups:
                result.samples[contender.name].append(sample)
    return result
