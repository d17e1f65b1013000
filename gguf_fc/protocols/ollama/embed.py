"""``POST /api/embed``, and the older ``/api/embeddings`` for one text: texts to vectors.

An input that is too long is cut, and a warning says so, unless ``truncate`` is false: that is how
this protocol has it.  Without any text there is nothing to embed, and no vector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from gguf_fc.generation.token_prompts import Prompt, given_prompts
from gguf_fc.protocols.embeddings import MOST_INPUTS, Embeddings
from gguf_fc.protocols.fields import Fields, Remarks
from gguf_fc.protocols.protocol import Json
from gguf_fc.request import Given
from gguf_fc.typed_json import about


class OllamaEmbedBody(Struct):
    """Every field that is honoured."""

    model: Annotated[str, about("a name of `GET /api/tags`")]
    input: Annotated[
        str | list[str] | None, about("a text, or a list of texts; without any there is no vector")
    ] = None
    truncate: Annotated[
        bool | None, about("cut what is too long, with a warning; `false`: that is a 400")
    ] = None
    dimensions: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        about("length of the vectors: their first numbers, scaled to length 1 again"),
    ] = None


class OllamaEmbeddingsBody(Struct):
    """Every field of the older request that is honoured."""

    model: Annotated[str, about("a name of `GET /api/tags`")]
    prompt: Annotated[str | None, about("the text; cut where it is too long")] = None


_WITHOUT_EFFECT = {
    "keep_alive": "a model stays loaded until another is asked for",
    "options": "they say how a model is loaded or writes",
}

OLLAMA_EMBED = Fields(OllamaEmbedBody, without_effect=_WITHOUT_EFFECT)
OLLAMA_EMBEDDINGS = Fields(OllamaEmbeddingsBody, without_effect=_WITHOUT_EFFECT)


@dataclass(frozen=True, slots=True)
class OllamaEmbed:
    """Endpoints of embeddings.  *clock* counts nanoseconds."""

    embeddings: Embeddings
    clock: Callable[[], int]

    async def embed(self, raw: bytes) -> tuple[Json, Remarks]:
        """A vector for each text; also what to remark."""
        began = self.clock()
        body, ignored = OLLAMA_EMBED.parse(raw)
        texts: Prompt = body.input if isinstance(body.input, str) else [*(body.input or [])]
        inputs = given_prompts(texts, "input", most=MOST_INPUTS) if texts else []
        vectors, n_tokens, warnings = await self._vectors(
            body.model, inputs, body.dimensions, cut=body.truncate is not False
        )
        reply = {
            "model": body.model,
            "embeddings": vectors,
            "total_duration": self.clock() - began,
            "load_duration": 0,
            "prompt_eval_count": n_tokens,
        }
        return reply, Remarks(ignored=ignored, warnings=warnings)

    async def embed_one(self, raw: bytes) -> tuple[Json, Remarks]:
        """The vector of one text; also what to remark."""
        body, ignored = OLLAMA_EMBEDDINGS.parse(raw)
        inputs = given_prompts(body.prompt, "prompt", most=1) if body.prompt else []
        vectors, _, warnings = await self._vectors(body.model, inputs, None, cut=True)
        reply: Json = {"embedding": vectors[0] if vectors else []}
        return reply, Remarks(ignored=ignored, warnings=warnings)

    async def _vectors(
        self, name: str, inputs: Sequence[Given], dimensions: int | None, *, cut: bool
    ) -> tuple[list[NDArray[np.float32]], int, tuple[str, ...]]:
        if inputs:
            return await self.embeddings.vectors(name, inputs, dimensions, cut=cut)
        async with self.embeddings.pool.use(name):
            return [], 0, ()
