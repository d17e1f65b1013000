"""``POST /v1/explain``: what a chat request would lead to, without generating anything.

The body is that of a chat completion.  The reply shows the prompt and its cost, how the model
writes calls, the grammar its answer would be held to, and what the prefix cache would do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from gguf_fc.api.answer import Ids, Plan, failure, plan_answer, prompt_of
from gguf_fc.api.chat_request import to_request
from gguf_fc.api.endpoint import read_body
from gguf_fc.api.grammars import GrammarCache
from gguf_fc.api.schema import CHAT
from gguf_fc.errors import EngineError
from gguf_fc.job import Failed, Measure, Measured, Segment
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.request import Request

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explain:
    """The endpoint."""

    pool: Pool
    grammars: GrammarCache
    ids: Ids

    async def respond(self, http: HttpRequest) -> Response:
        """Explain one request."""
        body, ignored = CHAT.parse(await read_body(http))
        request = to_request(body, self.pool.sampling(body.model))
        async with self.pool.use(request.model) as model:
            explained = await self._explain(request, model)
        explained["ignored"] = list(ignored)
        return Response(orjson.dumps(explained), media_type="application/json")

    async def _explain(self, request: Request, model: LoadedModel) -> Json:
        plan = await asyncio.to_thread(plan_answer, request, model, self.grammars, self.ids)
        whole = await self._measure(model, plan.prompt.segments)
        without_tools = whole
        if request.shown_tools:
            bare = await asyncio.to_thread(prompt_of, request, model.dialect, ())
            without_tools = await self._measure(model, bare.segments)
        return {
            "object": "explanation",
            "model": model.name,
            "prompt": _prompt(plan, whole, without_tools, model.ready.n_ctx),
            "cache": {"decision": whole.cache, "cached_tokens": whole.cached_tokens},
            "dialect": _dialect(model),
            "gbnf": plan.grammar.gbnf,
            "report": [
                {"path": item.path, "keyword": item.keyword, "reason": item.reason}
                for item in plan.grammar.report
            ],
        }

    async def _measure(self, model: LoadedModel, prompt: Sequence[Segment]) -> Measured:
        measure = Measure(id=self.ids.reply(), prompt=tuple(prompt))
        async with aclosing(model.worker.run(measure)) as messages:
            match await anext(messages):
                case Measured() as measured:
                    return measured
                case Failed() as failed:
                    raise failure(failed)
                case other:
                    raise EngineError(f"The engine answered out of turn: {other}.")


def _prompt(plan: Plan, whole: Measured, without_tools: Measured, n_ctx: int) -> Json:
    return {
        "text": plan.prompt.text,
        "prefill": plan.prompt.prefill,
        "tokens": whole.prompt_tokens,
        # Without tools a template may greet the model in its own words, which can be longer.
        "tool_tokens": max(0, whole.prompt_tokens - without_tools.prompt_tokens),
        "context_length": n_ctx,
        "fits": whole.prompt_tokens < n_ctx,
    }


def _dialect(model: LoadedModel) -> Json:
    dialect = model.dialect
    return {
        "tools": "native" if dialect.native else "generic",
        "label": dialect.label,
        "syntax": dialect.syntax.to_dict(),
        "warnings": list(model.warnings),
    }
