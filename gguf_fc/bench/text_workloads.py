"""Free text: tokens a second of one stream and of several, with and without tools on offer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from gguf_fc.bench import material
from gguf_fc.bench.bodies import (
    free_body,
    token_notes,
)
from gguf_fc.bench.client import Json, TimedReply
from gguf_fc.bench.sample import Sample, Scene
from gguf_fc.errors import BenchError

PROMPT_OF_TOOLS = 900  # tokens, about what twenty tools take in a prompt
LEAST_PIECES = 3  # fewer say nothing about a rate


async def chat(scene: Scene) -> Sample:
    """Tokens a second of one free reply."""
    question = material.TALK[scene.number % len(material.TALK)]
    reply = await scene.client.ask(free_body(scene, question, 0))
    return Sample(_rate(reply), token_notes(reply))


def streams(count: int) -> Callable[[Scene], Awaitable[Sample]]:
    """Tokens a second of *count* concurrent free replies, summed."""

    async def play(scene: Scene) -> Sample:
        bodies = [
            free_body(scene, f"{material.TALK[i % len(material.TALK)]} ({i})", i)
            for i in range(count)
        ]
        begun = perf_counter()
        replies = await asyncio.gather(*map(scene.client.ask, bodies))
        seconds = perf_counter() - begun
        tokens = sum(reply.completion_tokens for reply in replies)
        return Sample(tokens / seconds, {"tokens": tokens})

    return play


async def auto_text(scene: Scene) -> Sample:
    """Tokens a second of free text while twenty tools may be called."""
    return await _talk(scene, {"tools": list(material.TOOLS), "tool_choice": "auto"})


async def plain_text(scene: Scene) -> Sample:
    """The same beside a prompt of about that length without any tool."""
    system = material.words(int(PROMPT_OF_TOOLS * scene.words_per_token), 0)
    return await _talk(scene, {}, ({"role": "system", "content": system},))


async def _talk(scene: Scene, more: Json, system: tuple[Json, ...] = ()) -> Sample:
    """Measure a free reply to a body with *more* fields and *system* messages."""
    body = free_body(scene, material.TALK[scene.number % len(material.TALK)], 0)
    reply = await scene.client.ask({**body, **more, "messages": [*system, *body["messages"]]})
    if reply.calls:
        raise BenchError("the model called instead of talking; there is no rate of its text")
    return Sample(_rate(reply), token_notes(reply))


def _rate(reply: TimedReply) -> float:
    """Tokens a second, from the first piece to the last."""
    if len(reply.moments) < LEAST_PIECES:
        raise BenchError(f"a reply of {len(reply.moments)} pieces has no rate")
    tokens = reply.completion_tokens - 1
    return tokens / (reply.moments[-1] - reply.moments[0])
