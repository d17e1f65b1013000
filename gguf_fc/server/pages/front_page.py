"""``GET /``: a page for people, an object for programs, and a line for Ollama's clients.

The page needs no script, no network and no cookie.  ``HEAD /`` is how clients ask for a sign of
life.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gguf_fc import __version__
from gguf_fc.models.pool import Pool
from gguf_fc.server.accept import preferred
from gguf_fc.server.json_response import json_response
from gguf_fc.server.pages.docs_page import POLICY, STYLE

RUNNING = "Ollama is running"  # word for word: its clients compare
PAGE, OBJECT, LINE = "text/html", "application/json", "text/plain"
# The base URL that clients of each protocol are given, behind the address of the server.
BASES = {
    "OpenAI, chat completions and Responses": "/v1",
    "Anthropic, Messages": "",
    "Ollama": "",
}


@dataclass(frozen=True, slots=True)
class FrontPage:
    """The three answers, of which the request's ``Accept`` chooses one.

    Whoever lacks a key, where one is needed, is told that and no model's name.
    """

    pool: Pool

    async def respond(self, http: Request) -> Response:
        """Answer one request; who accepts anything gets the line."""
        vary, trusted = {"vary": "accept"}, http.state.caller.trusted
        names = tuple(self.pool.names) if trusted else ()
        match preferred(http.headers.get("accept", ""), (LINE, OBJECT, PAGE)):
            case "text/html":
                page = "".join(self._page(str(http.base_url).rstrip("/"), names))
                return Response(page, media_type=PAGE, headers={**POLICY, **vary})
            case "application/json":
                return json_response(self._object(names), headers=vary)
            case _:
                return Response(RUNNING, media_type=LINE, headers=vary)

    def _object(self, names: Sequence[str]) -> dict[str, Any]:
        return {
            "name": "gguf-fc",
            "version": __version__,
            "status": self.pool.state,
            "models": names,
            "base_urls": BASES,
            "docs": "/docs",
            "openapi": "/openapi.json",
        }

    def _page(self, address: str, names: Sequence[str]) -> Iterator[str]:
        yield f"<!doctype html><html lang=en><meta charset=utf-8><title>gguf-fc {__version__}"
        yield f"</title><meta name=viewport content='width=device-width'><style>{STYLE}</style>"
        yield f"<h1>gguf-fc {__version__}</h1><h2>Models</h2>"
        yield "<table>" if names else "<p>This server needs an API key.</p><table>"
        for name in names:
            yield f"<tr><td><code>{escape(name)}</code></td><td>{self._state_of(name)}</td></tr>"
        yield "</table><h2>How to connect</h2><table>"
        for protocol, base in BASES.items():
            url = escape(f"{address}{base}")
            yield f"<tr><td>{escape(protocol)}</td><td><code>{url}</code></td></tr>"
        yield "</table><p>Give a client its base URL, and the name of a model. "
        yield "<a href=/docs>Every path and field</a>, with examples; for programs, "
        yield "<a href=/openapi.json>openapi.json</a>.</p>"

    def _state_of(self, name: str) -> str:
        loaded = self.pool.loaded
        if loaded is None or loaded.name != name:
            return "loaded when it is asked for"
        return f"loaded; conversations of up to {loaded.ready.n_ctx:,} tokens"
