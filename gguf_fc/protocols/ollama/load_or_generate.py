"""Generation for Ollama's protocol: a chat, a raw prompt, or only the loading of a model."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from gguf_fc.events import Event
from gguf_fc.generation.generation import Complete, Generate, Generation, PendingGeneration
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.ollama.request import RawPrompt
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True)
class OllamaGenerator:
    """Starts a generation: *generate* replies to conversations, *complete* continues texts."""

    pool: Pool
    generate: Generate
    complete: Complete

    def start(self, requests: tuple[Request | RawPrompt, ...]) -> PendingGeneration:
        """Generation for the one request there is."""
        (request,) = requests
        match request:
            case RawPrompt():
                return self._complete(request)
            case Request(messages=()):
                return self._load(request.model)
            case Request():
                return self.generate((request,))

    @asynccontextmanager
    async def _complete(self, raw: RawPrompt) -> AsyncIterator[Generation]:
        async with self.pool.use(raw.text.model) as model:
            warnings = model.smaller_context(raw.n_ctx)
        async with self.complete((raw.text,)) as generation:
            yield replace(generation, warnings=warnings)

    @asynccontextmanager
    async def _load(self, name: str | None) -> AsyncIterator[Generation]:
        async with self.pool.use(name) as model:
            yield Generation(
                id="load", model=model.name, prompt_tokens=0, loosened=(), events=_nothing()
            )


async def _nothing() -> AsyncGenerator[tuple[int, Event]]:
    nothing: tuple[tuple[int, Event], ...] = ()
    for event in nothing:
        yield event
