"""Gaps of running streams while a long prompt is read beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from statistics import mean, median
from time import perf_counter

from gguf_fc.bench import material
from gguf_fc.bench.bodies import (
    free_body,
    prompt_note,
)
from gguf_fc.bench.client import Json, TimedReply
from gguf_fc.bench.sample import Sample, Scene
from gguf_fc.errors import BenchError

RUNNING = 3  # streams that run beside a long prompt


async def long_prompt(scene: Scene) -> Sample:
    """Median gap of running streams while a long prompt is read.

    Tokens cost more as streams grow longer, so the baseline is the gap without the prompt halfway:
    the mean of the one just before it came and the one just after it was read.
    """
    moments: list[list[float]] = [[] for _ in range(RUNNING)]
    running = [
        asyncio.create_task(scene.client.ask(_restless(scene, i), note=at.append))
        for i, at in enumerate(moments)
    ]
    try:
        await _pieces(scene.tokens // 2, moments, running)
        begun = perf_counter()
        text = material.words(scene.long_words, scene.number)
        reply = await scene.client.ask({**free_body(scene, text, 9), "max_tokens": 1})
        ended = perf_counter()
        await _pieces(max(map(len, moments)) + scene.tokens // 2, moments, running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    notes = gaps_beside(moments, begun, ended)
    return Sample(notes.pop("gap"), {**prompt_note(reply), "first token": reply.first, **notes})


def gaps_beside(moments: Sequence[Sequence[float]], begun: float, ended: float) -> dict[str, float]:
    """Gaps between pieces of streams from *begun* to *ended*, and their ratios to the baseline."""
    before = median(_gaps(moments, 0, begun))
    during = _gaps(moments, begun, ended)
    after = median(_gaps(moments, ended, inf))
    without = (before + after) / 2
    return {
        "gap": median(during),
        "gap before": before,
        "gap after": after,
        "times": median(during) / without,
        "times on average": mean(during) / without,
        "times the gap before": median(during) / before,
        "longest": max(during),
    }


def _restless(scene: Scene, number: int) -> Json:
    """Body of a long reply that hardly repeats itself: drafts fail, so that a piece is a token."""
    body = free_body(scene, f"{material.TALK[number]} ({number})", number, tokens=scene.long_tokens)
    return {**body, "temperature": 1.5, "top_p": 1, "frequency_penalty": 2}


async def _pieces(
    count: int, moments: list[list[float]], running: list[asyncio.Task[TimedReply]]
) -> None:
    """Wait until each stream has brought so many pieces."""
    while min(map(len, moments)) < count:
        await asyncio.sleep(0.01)
        _raise_ended(running)


def _raise_ended(running: list[asyncio.Task[TimedReply]]) -> None:
    for task in running:
        if task.done():
            reply = task.result()
            raise BenchError(
                f"a stream ended after {reply.completion_tokens} tokens, before it was measured"
            )


def _gaps(moments: Sequence[Sequence[float]], begin: float, end: float) -> list[float]:
    """The gaps that end between *begin* and *end*."""
    gaps = [
        later - earlier for at in moments for earlier, later in pairwise(at) if begin < later <= end
    ]
    return gaps or [end - begin]  # not a single token came through
