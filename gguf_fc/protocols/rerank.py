"""``POST /v1/rerank``: documents in the order in which they answer a query.

One path for the bodies of several services: with ``documents``, the reply is an object with
``results``; with ``texts``, it is a list.  Each document is a question of its own to the worker.
A model that does not rank has embeddings; then scores are their cosines, and a warning says so.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct

from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.generation.questions import ask
from gguf_fc.job import Rank, Ranked
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.protocols.embeddings import MOST_INPUTS, Embeddings, warnings_of
from gguf_fc.protocols.field_types import ModelName, TokenCount
from gguf_fc.protocols.fields import Fields, Refused, Remarks, agreed
from gguf_fc.protocols.protocol import Json
from gguf_fc.protocols.shared_rows import NOTHING_KEPT, ONE_ANSWER, STAYS_LOADED
from gguf_fc.request import Given
from gguf_fc.typed_json import about

BY_COSINE = (
    "This model does not rank: scores are cosines of its embeddings, which say less than those of "
    "a model trained to rank."
)
Documents = Annotated[
    list[str | dict[str, Any]] | None,
    about("texts, or objects with a `text`; the reply is an object with `results`"),
]


class RerankBody(Struct, kw_only=True):
    """Every field that is honoured."""

    query: Annotated[str, about("the question")]
    model: ModelName = None
    documents: Documents = None
    texts: Annotated[list[str] | None, about("instead of `documents`: the reply is a list")] = None
    top_n: Annotated[
        Annotated[int, Meta(ge=1)] | None, about("the best, so many; left out, all of them")
    ] = None
    return_documents: Annotated[bool | None, about("with each result its document")] = None
    return_text: Annotated[bool | None, about("the same, for `texts`")] = None
    max_tokens_per_doc: Annotated[
        TokenCount | None, about("tokens of a document that are read; left out, all of them")
    ] = None
    truncate: Annotated[
        bool | None,
        about("cut a document that is too long, with a warning; default: only of `documents`"),
    ] = None
    truncation: Annotated[bool | None, about("as `truncate`")] = None
    raw_scores: Annotated[
        bool | None, about("`false`: scores between 0 and 1, by the logistic function")
    ] = None


RERANK = Fields(
    RerankBody,
    without_effect={
        "keep_alive": STAYS_LOADED,
        "max_chunks_per_doc": "a document is read as one",
        "priority": ONE_ANSWER,
        "return_embeddings": "a model that ranks has none",
        "user": NOTHING_KEPT,
    },
    refused={
        "rank_fields": Refused("send a document's text as 'text'", harmless=(["text"],)),
        "truncation_direction": Refused("the end is cut off", harmless=("right", "Right")),
    },
)


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of the documents, in their order; the tokens that were read; what to warn of."""

    scores: tuple[float, ...]
    n_tokens: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reranker:
    """Endpoint of reranking."""

    pool: Pool
    new_id: Callable[[str], str]

    async def rerank(self, raw: bytes) -> tuple[Json | list[Json], Remarks]:
        """The reply to a body, and what to remark.  Raises GgufFcError."""
        body, ignored = RERANK.parse(raw)
        texts = _texts(body)
        async with self.pool.use(body.model) as model:
            find = self._ranked if model.header.ranks else self._compared
            scored = await find(body, texts, model)
        scores = scored.scores
        if body.raw_scores is False and model.header.ranks:
            scores = tuple(map(logistic, scores))
        best = sorted(range(len(texts)), key=lambda n: (-scores[n], n))[: body.top_n]
        remarks = Remarks(ignored=ignored, warnings=scored.warnings)
        if body.texts is not None:
            return [_row(body, n, scores[n]) for n in best], remarks
        return {
            "id": self.new_id("rerank-"),
            "object": "list",
            "model": model.name,
            "results": [_result(body, n, scores[n]) for n in best],
            "usage": {"prompt_tokens": scored.n_tokens, "total_tokens": scored.n_tokens},
        }, remarks

    async def _ranked(self, body: RerankBody, texts: Sequence[Given], model: LoadedModel) -> Scored:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._rank(body, text, model)) for text in texts]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        answers = [task.result() for task in tasks]
        n_tokens = sum(answer.prompt_tokens for answer in answers)
        cut = [(text, answer.n_cut) for text, answer in zip(texts, answers, strict=True)]
        return Scored(tuple(answer.score for answer in answers), n_tokens, warnings_of(cut))

    async def _rank(self, body: RerankBody, text: Given, model: LoadedModel) -> Ranked:
        question = Rank(
            id=self.new_id(""),
            query=body.query,
            document=text.text,
            most=body.max_tokens_per_doc,
            cut=_may_cut(body),
        )
        return await ask(model, question, Ranked, param=text.param)

    async def _compared(
        self, body: RerankBody, texts: Sequence[Given], model: LoadedModel
    ) -> Scored:
        if body.max_tokens_per_doc is not None:
            raise UnsupportedParameter(
                "'max_tokens_per_doc' needs a model that ranks; leave it out.",
                param="max_tokens_per_doc",
            )
        embeddings = Embeddings(self.pool, lambda: self.new_id(""))
        inputs = (Given(param="query", text=body.query), *texts)
        vectors, n_tokens, cut = await embeddings.vectors(
            model.name, inputs, None, cut=_may_cut(body)
        )
        query, *others = vectors
        scores = tuple(float(query @ other) for other in others)
        return Scored(scores, n_tokens, (BY_COSINE, *cut))


def logistic(score: float) -> float:
    """*score* between 0 and 1, however large it is."""
    small = math.exp(-abs(score))
    return (1 if score >= 0 else small) / (1 + small)


def _texts(body: RerankBody) -> tuple[Given, ...]:
    """Texts of the documents with their paths.  Raises InvalidParameter."""
    if not body.query:
        raise InvalidParameter("'query' is empty.", param="query")
    if (body.documents is None) == (body.texts is None):
        raise InvalidParameter("Send one of 'documents' and 'texts'.", param="documents")
    name = "texts" if body.documents is None else "documents"
    given = body.texts if body.documents is None else body.documents
    if not given or len(given) > MOST_INPUTS:
        count = len(given or ())
        raise InvalidParameter(
            f"'{name}' has {count} entries; send 1 to {MOST_INPUTS}.", param=name
        )
    return tuple(_given(entry, f"{name}[{n}]") for n, entry in enumerate(given))


def _given(entry: str | dict[str, Any], param: str) -> Given:
    text = entry.get("text") if isinstance(entry, dict) else entry
    if not isinstance(text, str):
        raise InvalidParameter(
            f"'{param}' must be a text, or an object with a 'text'.", param=f"{param}.text"
        )
    if not text.strip():
        raise InvalidParameter(f"'{param}' is empty.", param=param)
    return Given(param=param, text=text)


def _may_cut(body: RerankBody) -> bool:
    asked = agreed({"truncate": body.truncate, "truncation": body.truncation})
    return body.texts is None if asked is None else asked


def _result(body: RerankBody, n: int, score: float) -> Json:
    result: Json = {"index": n, "relevance_score": score}
    if body.return_documents and body.documents is not None:
        document = body.documents[n]
        result["document"] = {"text": document} if isinstance(document, str) else document
    return result


def _row(body: RerankBody, n: int, score: float) -> Json:
    row: Json = {"index": n, "score": score}
    if (body.return_text or body.return_documents) and body.texts is not None:
        row["text"] = body.texts[n]
    return row
