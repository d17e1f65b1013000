"""``POST /v1/embeddings``: texts to vectors of length 1.

Each text is a question of its own to the worker, which reads several at once; one that cannot be
embedded fails the request, with its place in the error.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from gguf_fc.errors import InvalidParameter
from gguf_fc.generation.questions import ask
from gguf_fc.generation.token_prompts import given_prompts, refuse_unknown_tokens
from gguf_fc.job import Embed, Embedded
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.protocols.field_types import ModelName
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.shared_rows import NOTHING_KEPT
from gguf_fc.request import Given
from gguf_fc.typed_json import about

MOST_INPUTS = 2048  # as OpenAI
MOST_WARNED = 5  # texts that a warning names one by one


class EmbeddingsBody(Struct):
    """Every field that is honoured."""

    input: Annotated[
        str | list[str | int | list[int]],
        about("a text, a list of texts, or tokens instead of text: a list, or a list of lists"),
    ]
    model: ModelName = None
    encoding_format: Annotated[
        Literal["float", "base64"] | None,
        about("`base64`: the vector's 32-bit numbers, lowest byte first"),
    ] = None
    dimensions: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        about("length of the vectors: their first numbers, scaled to length 1 again"),
    ] = None


EMBEDDINGS = Fields(EmbeddingsBody, without_effect={"user": NOTHING_KEPT})


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Endpoint of embeddings."""

    pool: Pool
    new_id: Callable[[], str]

    async def embed(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """The reply to a body, and its fields without effect.  Raises GgufFcError."""
        body, ignored = EMBEDDINGS.parse(raw)
        inputs = given_prompts(body.input, "input", most=MOST_INPUTS)
        vectors, n_tokens, _ = await self.vectors(body.model, inputs, body.dimensions)
        as_text = body.encoding_format == "base64"
        reply = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": index,
                    "embedding": base64.b64encode(vector.tobytes()).decode() if as_text else vector,
                }
                for index, vector in enumerate(vectors)
            ],
            "model": self.pool.find(body.model).alias,
            "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
        }
        return reply, ignored

    async def vectors(
        self,
        name: str | None,
        inputs: Sequence[Given],
        dimensions: int | None,
        *,
        cut: bool = False,
    ) -> tuple[list[NDArray[np.float32]], int, tuple[str, ...]]:
        """A vector for each of *inputs*, the tokens of all, and warnings of what was cut.

        Texts that are too long are refused, unless they may be *cut*.  Raises GgufFcError.
        """
        _refuse_empty(inputs)
        async with self.pool.use(name) as model:
            refuse_unknown_tokens(inputs, model)
            answers = await self._ask_all(inputs, model, cut=cut)
        n_tokens = sum(answer.prompt_tokens for answer in answers)
        vectors = _shortened([answer.vector for answer in answers], dimensions)
        cut_off = zip(inputs, (answer.n_cut for answer in answers), strict=True)
        return vectors, n_tokens, warnings_of(cut_off)

    async def _ask_all(
        self, inputs: Sequence[Given], model: LoadedModel, *, cut: bool
    ) -> list[Embedded]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(given, model, cut=cut)) for given in inputs]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _ask(self, given: Given, model: LoadedModel, *, cut: bool) -> Embedded:
        question = Embed(id=self.new_id(), text=given.text, tokens=given.tokens, cut=cut)
        return await ask(model, question, Embedded, param=given.param)


def _refuse_empty(inputs: Sequence[Given]) -> None:
    for given in inputs:
        if not given.text and not given.tokens:
            raise InvalidParameter(f"'{given.param}' is empty.", param=given.param)


def warnings_of(cut: Iterable[tuple[Given, int]]) -> tuple[str, ...]:
    """Warnings of the first few texts of which so many tokens were cut, and of how many more."""
    told = [
        f"{given.param}: the last {count} tokens were cut off, as the model reads no more."
        for given, count in cut
        if count
    ]
    more = len(told) - MOST_WARNED
    return (*told[:MOST_WARNED], *([f"So were those of {more} more."] if more > 0 else []))


def _shortened(vectors: Sequence[str], dimensions: int | None) -> list[NDArray[np.float32]]:
    """Vectors from the worker (base64 of float32) cut to *dimensions*, of length 1 again."""
    found = [np.frombuffer(base64.b64decode(vector), "<f4") for vector in vectors]
    if dimensions is None:
        return found
    if dimensions > (width := len(found[0])):
        raise InvalidParameter(
            f"'dimensions' is {dimensions}, but this model's vectors have {width}.",
            param="dimensions",
        )
    heads = (vector[:dimensions] for vector in found)
    return [(head / (np.linalg.norm(head) or 1)).astype("<f4") for head in heads]
