"""``POST /api/embed``, and the older ``/api/embeddings`` for one text: texts to vectors.

Nothing is cut off here, whatever ``truncate`` says: an input that is too long is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, Struct

from gguf_fc.generation.token_prompts import Prompt, given_prompts
from gguf_fc.protocols.embeddings import MOST_INPUTS, Embeddings
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.protocol import Json
from gguf_fc.typed_json import about


class OllamaEmbedBody(Struct):
    """Every field that is honoured."""

    model: Annotated[str, about("a name of `GET /api/tags`")]
    input: Annotated[str | list[str], about("a text, or a list of texts")]
    dimensions: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        about("length of the vectors: their first numbers, scaled to length 1 again"),
    ] = None


class OllamaEmbeddingsBody(Struct):
    """Every field of the older request that is honoured."""

    model: Annotated[str, about("a name of `GET /api/tags`")]
    prompt: Annotated[str, about("the text")]


_WITHOUT_EFFECT = {
    "keep_alive": "a model stays loaded until another is asked for",
    "options": "they say how a model is loaded or writes",
    "truncate": "nothing is cut off: an input that is too long is refused",
}

OLLAMA_EMBED = Fields(OllamaEmbedBody, without_effect=_WITHOUT_EFFECT)
OLLAMA_EMBEDDINGS = Fields(OllamaEmbeddingsBody, without_effect=_WITHOUT_EFFECT)


@dataclass(frozen=True, slots=True)
class OllamaEmbed:
    """Endpoints of embeddings.  *clock* counts nanoseconds."""

    embeddings: Embeddings
    clock: Callable[[], int]

    async def embed(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """A vector for each text; also the fields without effect."""
        began = self.clock()
        body, ignored = OLLAMA_EMBED.parse(raw)
        texts: Prompt = body.input if isinstance(body.input, str) else [*body.input]
        inputs = given_prompts(texts, "input", most=MOST_INPUTS)
        name = body.model
        vectors, n_tokens = await self.embeddings.vectors(name, inputs, body.dimensions)
        reply = {
            "model": body.model,
            "embeddings": vectors,
            "total_duration": self.clock() - began,
            "load_duration": 0,
            "prompt_eval_count": n_tokens,
        }
        return reply, ignored

    async def embed_one(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The vector of one text; also the fields without effect."""
        body, ignored = OLLAMA_EMBEDDINGS.parse(raw)
        inputs = given_prompts(body.prompt, "prompt", most=1)
        name = body.model
        (vector,), _ = await self.embeddings.vectors(name, inputs, None)
        return {"embedding": vector}, ignored
