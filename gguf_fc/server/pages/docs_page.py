"""``GET /openapi.json`` and ``GET /docs``: what the server can be asked, for programs and people.

The page is one file of HTML made by the server: it needs no script, no network and no cookie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response

from gguf_fc.server.operations import Operation
from gguf_fc.server.pages.field_tables import html, tables
from gguf_fc.server.pages.openapi import document

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
td { border-top: 1px solid #8884; padding: .3rem .6rem .3rem 0; vertical-align: top }
td:first-child { white-space: nowrap }
pre { background: #8881; padding: .8rem; overflow: auto }
code { font-size: .9em }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #dde } a { color: #9bf } }
"""

# Nothing is fetched, nothing runs, and no other page may frame this one.
POLICY = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
}


class ApiReference:
    """Both descriptions, made when first asked for: nothing in them depends on a model."""

    def __init__(self, operations: Iterable[Operation], version: str) -> None:
        self._operations = tuple(operations)
        self._version = version

    @cached_property
    def _document(self) -> bytes:
        return orjson.dumps(document(self._operations, self._version))

    @cached_property
    def _page(self) -> bytes:
        return "".join(_page(self._operations, self._version)).encode()

    async def openapi(self, _request: Request) -> Response:
        """The OpenAPI document."""
        return Response(self._document, media_type="application/json")

    async def page(self, _request: Request) -> Response:
        """The page."""
        return Response(
            self._page,
            media_type="text/html",
            headers=POLICY,
        )


def _page(operations: tuple[Operation, ...], version: str) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>gguf-fc {version}</title>"
    yield f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
    yield f"<h1>gguf-fc {version}</h1><p>For programs: <a href=/openapi.json>openapi.json</a></p>"
    yield "<table>"
    for one in operations:
        link = f"<a href='#{_anchor(one)}'>{one.method} {escape(one.path)}</a>"
        yield f"<tr><td>{link}</td><td>{escape(one.summary)}</td></tr>"
    yield "</table>"
    for one in operations:
        yield from _section(one)


def _section(operation: Operation) -> Iterator[str]:
    title = f"{operation.method} {escape(operation.path)}"
    yield f"<h2 id='{_anchor(operation)}'>{title}</h2><p>{escape(operation.summary)}</p>"
    for what, body in operation.examples.items():
        shown = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        yield f"<details><summary>{escape(what)}</summary><pre>{escape(shown)}</pre></details>"
    if operation.fields is not None:
        yield "<details><summary>fields</summary>"
        yield from map(html, tables(operation.fields))
        yield "</details>"


def _anchor(operation: Operation) -> str:
    return escape(f"{operation.method}-{operation.path}", quote=True)
