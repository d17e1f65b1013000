"""``POST /v1/messages/count_tokens``: how long the prompt of a message would be."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.generation.generator import Ids
from gguf_fc.generation.questions import prompt_length
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.messages.request import to_prompt
from gguf_fc.protocols.messages.schema import COUNT_TOKENS
from gguf_fc.protocols.protocol import Json


@dataclass(frozen=True, slots=True)
class CountTokens:
    """Endpoint that counts the tokens of a prompt."""

    pool: Pool
    ids: Ids

    async def count(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The tokens a model would read, tools included; also the fields without effect."""
        body, ignored = COUNT_TOKENS.parse(raw)
        request, passed_over = to_prompt(body, self.pool.sampling(body.model))
        async with self.pool.use(request.model) as model:
            length = await prompt_length(request, model, self.ids.reply())
        return {"input_tokens": length}, (*ignored, *passed_over)
