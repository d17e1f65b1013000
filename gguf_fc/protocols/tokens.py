"""``POST /tokenize`` and ``/detokenize``, in the shape of llama.cpp's server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Struct

from gguf_fc.generation.questions import ask
from gguf_fc.generation.token_prompts import refuse_unknown_tokens
from gguf_fc.job import Detokenize, Detokenized, Tokenize, Tokenized
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.field_types import ModelName
from gguf_fc.protocols.fields import Fields
from gguf_fc.protocols.protocol import Json
from gguf_fc.request import Given
from gguf_fc.typed_json import about


class TokenizeBody(Struct):
    """Every field that is honoured."""

    content: Annotated[str, about("the text")]
    model: ModelName = None
    add_special: Annotated[
        bool | None, about("with the tokens that the model wants around a text; default `false`")
    ] = None
    parse_special: Annotated[
        bool | None, about("control tokens are recognised; default `true`")
    ] = None
    with_pieces: Annotated[
        bool | None,
        about("tokens as `{id, piece}`, with bytes for a piece that is no text; default `false`"),
    ] = None


class DetokenizeBody(Struct):
    """Every field that is honoured."""

    tokens: Annotated[list[int], about("the tokens; control tokens become their text")]
    model: ModelName = None


TOKENIZE = Fields(TokenizeBody)
DETOKENIZE = Fields(DetokenizeBody)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Endpoints of the tokenizer."""

    pool: Pool
    new_id: Callable[[], str]

    async def tokenize(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """Text to tokens."""
        body, ignored = TOKENIZE.parse(raw)
        question = Tokenize(
            id=self.new_id(),
            text=body.content,
            frame=bool(body.add_special),
            special=body.parse_special is not False,
            pieces=bool(body.with_pieces),
        )
        async with self.pool.use(body.model) as model:
            answer = await ask(model, question, Tokenized, param="content")
        if not body.with_pieces:
            return {"tokens": answer.tokens}, ignored
        pairs = zip(answer.tokens, answer.pieces, strict=True)
        return {"tokens": [{"id": token, "piece": piece} for token, piece in pairs]}, ignored

    async def detokenize(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """Tokens to text."""
        body, ignored = DETOKENIZE.parse(raw)
        given = Given(param="tokens", tokens=tuple(body.tokens))
        async with self.pool.use(body.model) as model:
            refuse_unknown_tokens([given], model)
            question = Detokenize(id=self.new_id(), tokens=given.tokens)
            answer = await ask(model, question, Detokenized, param="tokens")
        return {"content": answer.text}, ignored
