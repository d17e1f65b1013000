"""``POST /v1/explain``: prompt, grammar and cache decision of a chat request, nothing generated.

The body is that of a chat completion.  The reply shows the prompt and its cost, how the model
writes calls, the grammar its answer would be held to, and what the prefix cache would do.
``POST /apply-template`` shows the prompt only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from gguf_fc.dialect.openai_json.messages import unread_arguments
from gguf_fc.generation.generator import Ids
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.generation.plan_reply import ReplyPlan, plan_reply
from gguf_fc.generation.prompt import prompt_of
from gguf_fc.generation.questions import ask
from gguf_fc.generation.reply_memory import ReplyMemory
from gguf_fc.job import Measure, Measured, Segment
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.protocols.chat.request import to_request
from gguf_fc.protocols.chat.schema import CHAT
from gguf_fc.protocols.protocol import Json
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True)
class Explain:
    """Endpoints that show a request's plan."""

    pool: Pool
    grammars: GrammarCache
    ids: Ids
    memory: ReplyMemory

    async def explain(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """Explain one request; also return its fields without effect."""
        body, ignored = CHAT.parse(raw)
        request = self.memory.restored(to_request(body, self.pool.sampling(body.model)))
        async with self.pool.use(request.model) as model:
            explained = await self._explain(request, model)
        ignored = (*ignored, *unread_arguments(request.messages))
        return explained | {"ignored": list(ignored)}, ignored

    async def apply_template(self, raw: bytes) -> tuple[Json, tuple[str, ...]]:
        """Only the prompt, in the shape of llama.cpp's server."""
        body, ignored = CHAT.parse(raw)
        request = self.memory.restored(to_request(body, self.pool.sampling(body.model)))
        async with self.pool.use(request.model) as model:
            tools = request.shown_tools
            prompt = await asyncio.to_thread(prompt_of, request, model.dialect, tools)
        return {"prompt": prompt.text}, (*ignored, *unread_arguments(request.messages))

    async def _explain(self, request: Request, model: LoadedModel) -> Json:
        plan = await asyncio.to_thread(
            plan_reply, request, model, self.grammars, self.ids.reply(), self.ids.call
        )
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
        return await ask(model, measure, Measured, param="messages")


def _prompt(plan: ReplyPlan, whole: Measured, without_tools: Measured, n_ctx: int) -> Json:
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
