"""``GET /v1/models`` and ``GET /health``: what is offered, and whether it is ready."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gguf_fc.models.pool import Pool


class Catalog:
    """Read-only views of the pool."""

    def __init__(self, pool: Pool, started: int) -> None:
        self._pool = pool
        self._started = started

    async def models(self, _request: Request) -> Response:
        """Every model offered."""
        data = [self._describe(name) for name in self._pool.names]
        return _json({"object": "list", "data": data})

    async def model(self, request: Request) -> Response:
        """One of them."""
        entry = self._pool.find(request.path_params["name"])
        return _json(self._describe(entry.alias))

    async def health(self, _request: Request) -> Response:
        """200 when the loaded model can answer, 503 while it cannot."""
        state = self._pool.state
        return _json(
            {"status": "ok" if state == "ready" else state}, status=200 if state == "ready" else 503
        )

    def _describe(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = {
            "id": name,
            "object": "model",
            "created": self._started,
            "owned_by": "gguf-fc",
        }
        loaded = self._pool.loaded
        if loaded is not None and loaded.name == name:
            described["context_length"] = loaded.ready.n_ctx
            described["capabilities"] = {
                "tools": "native" if loaded.dialect.native else "generic",
            }
        return described


def _json(data: object, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status_code=status, media_type="application/json")
