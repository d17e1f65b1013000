"""Guard against other web pages (DNS rebinding, CSRF): only local names in Host and Origin.

A page on the internet can make a browser send requests to a loopback server, and by rebinding its
own name to 127.0.0.1 it can read the replies.  Both carry a foreign Host or Origin, so both are
refused before routing (S6).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gguf_fc.errors import Forbidden
from gguf_fc.server.errors import error_response

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class LocalOnly:
    """Pure ASGI middleware.  *allowed_hosts* are accepted beside the loopback names."""

    def __init__(self, app: ASGIApp, allowed_hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._allowed = LOOPBACK | {_bare(host) for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        if scope["type"] == "http" and (refused := self._refusal(Headers(scope=scope))):
            await error_response(Forbidden(refused))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> str | None:
        host, origin = headers.get("host"), headers.get("origin")
        if host is not None and _host_of(f"//{host}") not in self._allowed:
            return f"The host '{host}' is not served here."
        if origin is not None and _host_of(origin) not in self._allowed:
            return f"Pages from '{origin}' may not use this server."
        return None


def _host_of(url: str) -> str | None:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return None if host is None else _bare(host)


def _bare(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")
