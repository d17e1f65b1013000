"""``POST /v1/messages/count_tokens``: how long the prompt of a message would be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gguf_fc.api.answer import Ids, prompt_of
from gguf_fc.api.ask import ask
from gguf_fc.api.messages.request import to_prompt
from gguf_fc.api.messages.schema import COUNT_TOKENS
from gguf_fc.api.wire import Json
from gguf_fc.job import Measure, Measured
from gguf_fc.models.pool import Pool


@dataclass(frozen=True, slots=True)
class CountTokens:
    """The work behind the endpoint."""

    pool: Pool
    ids: Ids

    async def count(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The tokens a model would read, tools included; also the fields without effect."""
        body, ignored = COUNT_TOKENS.parse(raw)
        request, passed_over = to_prompt(body, self.pool.sampling(body.model))
        async with self.pool.use(request.model) as model:
            tools = request.shown_tools
            prompt = await asyncio.to_thread(prompt_of, request, model.dialect, tools)
            question = Measure(id=self.ids.reply(), prompt=prompt.segments)
            measured = await ask(model, question, Measured, param="messages")
        return {"input_tokens": measured.prompt_tokens}, (*ignored, *passed_over)
