"""Guard of the application: every request passes it before it is routed.

1. The target is a path, the ``Host`` one that is served on this socket (``hosts``).
2. A page, by ``Origin`` or ``Sec-Fetch-Site``, is one that may use the server (``origins``).
3. A preflight of such a page is answered (``cors``): a browser sends no key with it.
4. The request has a key, where one is needed (``keys``).

What is refused here is told in the shape of the protocol whose path it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gguf_fc.errors import Forbidden, InvalidParameter, RequestError, Unauthorized
from gguf_fc.server.access.cors import is_preflight, let_read, preflight_response
from gguf_fc.server.access.hosts import Hosts, is_served, local_end
from gguf_fc.server.access.keys import ApiKeys, presented
from gguf_fc.server.access.origins import Origins, is_allowed
from gguf_fc.server.errors import error_response, error_shape

logger = logging.getLogger(__name__)

SHOWN = 100  # characters of a foreign header in a message


@dataclass(frozen=True, slots=True)
class Access:
    """Hosts that are served, pages that may ask, and keys that let in."""

    hosts: Hosts = field(default_factory=Hosts)
    origins: Origins = field(default_factory=Origins)
    keys: ApiKeys | None = None  # None: nobody is asked for one


@dataclass(frozen=True, slots=True)
class Caller:
    """Sender of a request, as ``request.state.caller``."""

    key: str | None = None  # name of the key; None: without one
    trusted: bool = True  # False: a key is needed for all but this open path


class Guard:
    """ASGI middleware that lets in whom *access* allows; *open_paths* can be read without a key.

    *refused* is told of each refusal, by "host or origin" or "key"; *admitted* of each other
    request, with the name of its key, empty where none is needed.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        *,
        open_paths: frozenset[str] = frozenset(),
        refused: Callable[[str], None] = lambda _by: None,
        admitted: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._app = app
        self._access = access
        self._open_paths = open_paths
        self._refused = refused
        self._admitted = admitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer for the application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # no other kind of connection is offered
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            host = self._host(scope, headers)
            origin = self._origin(scope, headers, host)
        except RequestError as error:
            await self._refusal(error, scope)(scope, receive, send)
            return
        send = _for_page(send, origin)
        if origin is not None and is_preflight(scope["method"], headers):
            await preflight_response(headers)(scope, receive, send)
            return
        try:
            caller = self._caller(scope)
        except Unauthorized as error:
            await self._refusal(error, scope)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        self._admitted(caller.key or "")
        await self._app(scope, receive, send)

    def _host(self, scope: Scope, headers: Headers) -> str | None:
        """The host that is asked; None: only an old program on this machine names none."""
        if not scope["path"].startswith("/") and scope["path"] != "*":
            raise InvalidParameter("The request's target must be a path; this is no proxy.")
        hosts, found, server = self._access.hosts, headers.getlist("host"), scope.get("server")
        if not found and (hosts.every or local_end(server).loopback):
            return None
        if len(found) != 1:
            raise Forbidden(f"There must be one Host header, not {len(found)}.")
        served = is_served(hosts, found[0], server)
        if served is None:
            raise Forbidden(f"The Host header '{_short(found[0])}' is not a host.")
        if not served:
            raise Forbidden(
                f"The host '{_short(found[0])}' is not served here; "
                "start the server with --allow-host and its name, or with API keys."
            )
        return found[0]

    def _origin(self, scope: Scope, headers: Headers, host: str | None) -> str | None:
        """The page that asks, which is an allowed one; None: no page."""
        found = headers.getlist("origin")
        if len(found) > 1:
            raise Forbidden(f"There must be at most one Origin header, not {len(found)}.")
        for origin in found:
            if not is_allowed(self._access.origins, origin, host):
                raise Forbidden(
                    f"Pages from '{_short(origin)}' may not use this server; "
                    "start it with --allow-origin and their origin."
                )
            return origin
        sites = ",".join(headers.getlist("sec-fetch-site")).lower()
        if "cross-site" in sites and not _is_link(scope["method"], headers):
            raise Forbidden("Pages of other sites may only link to this server.")
        return None

    def _caller(self, scope: Scope) -> Caller:
        """The caller, by its key where keys are needed.  Raises Unauthorized."""
        keys = self._access.keys
        if keys is None:
            return Caller()
        name = keys.name_of(scope["headers"])
        if name is not None:
            return Caller(name)
        if scope["method"] in {"GET", "HEAD"} and scope["path"] in self._open_paths:
            return Caller(trusted=False)
        sent = (
            "The API key is not one of this server's"
            if presented(scope["headers"])
            else ("This server needs an API key")
        )
        raise Unauthorized(
            f"{sent}; send yours as 'Authorization: Bearer KEY', 'x-api-key' or 'api-key'."
        )

    def _refusal(self, error: RequestError, scope: Scope) -> Response:
        self._refused("key" if isinstance(error, Unauthorized) else "host or origin")
        logger.info("refused path=%r: %s", scope["path"], error.message)
        return error_response(error, error_shape(scope))


def _for_page(send: Send, origin: str | None) -> Send:
    """*send* with what caches and the browser of an allowed page, if one asks, need to know."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.add_vary_header("Origin")
            if origin is not None:
                let_read(headers, origin)
        await send(message)

    return sending


def _is_link(method: str, headers: Headers) -> bool:
    """A browser follows a link, or opens what its user typed, in a window of its own."""
    return (
        method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest", "document") == "document"
    )


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
