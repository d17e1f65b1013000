"""``POST /v1/responses/input_tokens``: how long the prompt of a response would be."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.generation.questions import prompt_length
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.responses.wire import ResponsesWire


@dataclass(frozen=True, slots=True)
class InputTokens:
    """Endpoint that counts the tokens of a prompt; it reads the same body as *wire*."""

    wire: ResponsesWire

    async def count(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The tokens a model would read, tools included; also the fields without effect."""
        asked = self.wire.read(raw, {})
        (request,) = asked.requests
        async with self.wire.pool.use(request.model) as model:
            length = await prompt_length(request, model, self.wire.new_id("count_"))
        return {"object": "response.input_tokens", "input_tokens": length}, asked.ignored
