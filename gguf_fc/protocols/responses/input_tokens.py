"""``POST /v1/responses/input_tokens``: how long the prompt of a response would be."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.generation.questions import prompt_length
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.responses.request import ResponsesReader


@dataclass(frozen=True, slots=True)
class InputTokens:
    """Endpoint that counts the tokens of a prompt; it reads the same body as a response."""

    reader: ResponsesReader

    async def count(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The tokens a model would read, tools included; also the fields without effect."""
        asked = self.reader.read(raw)
        (request,) = asked.requests
        async with self.reader.pool.use(request.model) as model:
            length = await prompt_length(request, model, self.reader.new_id("count_"))
        return {"object": "response.input_tokens", "input_tokens": length}, asked.ignored
