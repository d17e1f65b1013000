"""``GET /v1/models`` and ``GET /health``: models, their capabilities, and readiness.

Two protocols ask for models under the same path, so an entry has the fields of both; a coding agent
reads another list beside them.

Beside the protocol's fields an entry says what a client has to know before it chooses.  A model
that is not loaded is inspected once, without loading it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gguf_fc.errors import SetupError
from gguf_fc.models.gguf import Header
from gguf_fc.models.load_plan import LoadPlan
from gguf_fc.models.pool import Pool
from gguf_fc.server.agent_models import agent_model
from gguf_fc.server.json_response import json_response

Json = dict[str, Any]


class Catalog:
    """Read-only views of the pool."""

    def __init__(self, pool: Pool, started: int) -> None:
        self._pool = pool
        self._started = started
        self._outlines: dict[str, Json] = {}  # by alias; a file does not change while it is offered

    async def models(self, _request: Request) -> Response:
        """Every model offered."""
        data = await asyncio.gather(*map(self._describe, self._pool.names))
        names = self._pool.names
        ends = {"has_more": False, "first_id": names[0], "last_id": names[-1]}
        agents = [agent_model(one["id"], one, n) for n, one in enumerate(data) if _writes(one)]
        return json_response({"object": "list", "data": data, **ends, "models": agents})

    async def model(self, request: Request) -> Response:
        """One of them."""
        entry = self._pool.find(request.path_params["name"])
        return json_response(await self._describe(entry.alias))

    async def health(self, _request: Request) -> Response:
        """200 when the loaded model can answer, 503 while it cannot."""
        state = self._pool.state
        return json_response(
            {"status": "ok" if state == "ready" else state}, status=200 if state == "ready" else 503
        )

    async def _describe(self, name: str) -> Json:
        described: Json = {
            "id": name,
            "object": "model",
            "created": self._started,
            "owned_by": "gguf-fc",
            "type": "model",
            "display_name": name,
            "created_at": datetime.fromtimestamp(self._started, UTC).isoformat(),
            "lifecycle": "active",
            "loaded": False,
        }
        loaded = self._pool.loaded
        if loaded is not None and loaded.name == name:
            n_ctx = loaded.ready.n_ctx
            described |= {"loaded": True, "context_length": n_ctx, "max_model_len": n_ctx}
        described |= await self._outline(name)
        if described["loaded"] and "meta" in described:
            described["meta"] = {**described["meta"], "n_ctx": described["context_length"]}
        return described

    async def _outline(self, name: str) -> Json:
        """Facts that need no loading; a problem is not remembered, because it may be mended."""
        if name not in self._outlines:
            try:
                self._outlines[name] = _outline_of(await self._pool.outline(name))
            except SetupError as error:
                return {"problem": error.message}
        return self._outlines[name]


def _writes(described: Json) -> bool:
    """True for a model that makes text, as far as that is known."""
    return bool(described.get("capabilities", {}).get("text"))


def _tools(plan: LoadPlan) -> str:
    if not plan.header.generates:
        return "none"
    return "native" if plan.dialect.native else "generic"


def _meta(header: Header) -> Json:
    """Facts of the file in the words of llama.cpp's server, which its clients look for."""
    return {
        "n_ctx_train": header.n_ctx_train,
        "n_embd": header.n_embd,
        "n_params": header.n_parameters,
        "n_vocab": len(header.tokens),
        "size": header.n_bytes,
    }


def _outline_of(plan: LoadPlan) -> Json:
    syntax = plan.dialect.syntax
    return {
        "trained_context_length": plan.header.n_ctx_train,
        "meta": _meta(plan.header),
        "capabilities": {
            "text": plan.header.generates,
            "tools": _tools(plan),
            "parallel_tool_calls": syntax.parallel and plan.header.generates,
            "reasoning": syntax.reasoning is not None,
        },
    }
