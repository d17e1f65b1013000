"""``POST /tokenize`` and ``/detokenize``, in the shape of llama.cpp's server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Struct

from gguf_fc.errors import InvalidParameter
from gguf_fc.generation.questions import ask
from gguf_fc.generation.token_prompts import refuse_unknown_tokens
from gguf_fc.job import Detokenize, Detokenized, Tokenize, Tokenized
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.field_types import ModelName
from gguf_fc.protocols.fields import Fields, agreed
from gguf_fc.protocols.protocol import Json
from gguf_fc.request import Given
from gguf_fc.typed_json import about


class TokenizeBody(Struct):
    """Every field that is honoured."""

    content: Annotated[str | None, about("the text")] = None
    prompt: Annotated[str | None, about("the same, as vLLM has it, with its `count`")] = None
    model: ModelName = None
    add_special_tokens: Annotated[
        bool | None, about("as `add_special`; default `true` where there is a `prompt`")
    ] = None
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
        text = agreed({"content": body.content, "prompt": body.prompt})
        if text is None:
            raise InvalidParameter("'content' is required.", param="content")
        frame = agreed(
            {"add_special": body.add_special, "add_special_tokens": body.add_special_tokens}
        )
        question = Tokenize(
            id=self.new_id(),
            text=text,
            frame=body.prompt is not None if frame is None else frame,
            special=body.parse_special is not False,
            pieces=bool(body.with_pieces),
        )
        async with self.pool.use(body.model) as model:
            answer = await ask(model, question, Tokenized, param="content")
        counted: Json = {}
        if body.prompt is not None:
            counted = {"count": len(answer.tokens), "max_model_len": model.ready.n_ctx}
        if not body.with_pieces:
            return {**counted, "tokens": answer.tokens}, ignored
        pairs = zip(answer.tokens, answer.pieces, strict=True)
        listed = [{"id": token, "piece": piece} for token, piece in pairs]
        return {**counted, "tokens": listed}, ignored

    async def detokenize(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """Tokens to text."""
        body, ignored = DETOKENIZE.parse(raw)
        given = Given(param="tokens", tokens=tuple(body.tokens))
        async with self.pool.use(body.model) as model:
            refuse_unknown_tokens([given], model)
            question = Detokenize(id=self.new_id(), tokens=given.tokens)
            answer = await ask(model, question, Detokenized, param="tokens")
        return {"content": answer.text}, ignored
