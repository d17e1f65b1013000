"""Paths as clients write them: with or without ``/v1``, with a slash too many; and unknown ones.

Everything behind the outermost layer sees only the paths of ``operations``, so that a rule about
a path cannot be passed by writing it otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from gguf_fc.protocols.fields import shortened
from gguf_fc.server.operations import OPERATIONS, Operation

VERSION = "/v1"
# Names that other servers have for a path of ours; ``/v2`` is of a client with one path there.
SYNONYMS = {
    "/reranking": "/v1/rerank",
    "/v1/reranking": "/v1/rerank",
    "/v2/rerank": "/v1/rerank",
}


class KnownPaths:
    """The paths of *operations*, and what is meant by others."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._methods: dict[str, list[str]] = {}
        for one in operations:
            self._methods.setdefault(one.path, []).append(one.method)
        self._patterns = {path: _matcher(path) for path in self._methods}

    def meant(self, path: str) -> str:
        """The path of an operation that *path* means, or *path* as it is."""
        plain = re.sub("/{2,}", "/", path)
        plain = plain.rstrip("/") or "/"
        plain = SYNONYMS.get(plain, plain)
        for candidate in (plain, f"{VERSION}{plain}", plain.removeprefix(VERSION) or "/"):
            if self._matching(candidate):
                return candidate
        return path

    def methods(self, path: str) -> Sequence[str]:
        """Methods that *path* can be asked with; none if there is no such path."""
        methods = [one for found in self._matching(path) for one in self._methods[found]]
        return [*methods, "HEAD"] if "GET" in methods else methods

    def complaint(self, method: str, path: str) -> str:
        """Message about a request that no operation answers."""
        if methods := self.methods(path):
            return f"{method} cannot be used with {path}; use {' or '.join(methods)}."
        near = get_close_matches(shortened(path), self._methods, n=1)
        hint = f"Did you mean {near[0]}?" if near else "GET /docs lists all paths."
        return f"There is no {shortened(path)} here. {hint}"

    def _matching(self, path: str) -> list[str]:
        return [one for one, matches in self._patterns.items() if matches(path)]


def _matcher(path: str) -> Callable[[str], object]:
    pattern, _, _ = compile_path(path.replace("{name}", "{name:path}"))
    return pattern.match


KNOWN_PATHS = KnownPaths(OPERATIONS)


class MeantPaths:
    """Pure ASGI middleware: passes a request on under the path it means."""

    def __init__(self, app: ASGIApp, known: KnownPaths = KNOWN_PATHS) -> None:
        self._app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and (path := self._known.meant(scope["path"])) != scope["path"]:
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)
