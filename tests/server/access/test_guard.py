"""The guard: who is let in, who is answered at once, and in which words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from gguf_fc.server.access.guard import Access, Guard
from gguf_fc.server.access.hosts import hosts_of
from gguf_fc.server.access.keys import ApiKeys
from gguf_fc.server.access.origins import origins_of

KEYS = ApiKeys([("alice", "sk-alice")])
LAN = ("192.168.1.5", 8080)
LOOPBACK = ("127.0.0.1", 8080)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Says who asks."""
    caller = Request(scope).state.caller
    headers = {"x-gguf-fc-ignored": "n", "x-gguf-fc-new": "1", "vary": "Accept"}
    response = JSONResponse({"key": caller.key, "trusted": caller.trusted}, headers=headers)
    await response(scope, receive, send)


@dataclass(slots=True)
class Guarded:
    """The guard before an application that says who asks."""

    keyed: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    open_to_all: bool = False
    refused: list[str] = field(default_factory=list)
    admitted: list[str] = field(default_factory=list)

    def guard(self) -> Guard:
        hosts = hosts_of(self.hosts, "127.0.0.1", keyed=self.keyed, open_to_all=self.open_to_all)
        access = Access(hosts, origins_of(self.origins), KEYS if self.keyed else None)
        return Guard(
            application,
            access,
            open_paths=frozenset({"/health"}),
            refused=self.refused.append,
            admitted=self.admitted.append,
        )

    def ask(
        self,
        *headers: tuple[str, str],
        method: str = "GET",
        path: str = "/v1/models",
        server: tuple[str, int | None] | None = LOOPBACK,
    ) -> httpx.Response:
        """The answer to a request with exactly these *headers*."""
        scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "server": server}
        scope["headers"] = [(name.encode(), value.encode("latin-1")) for name, value in headers]
        sent: list[dict[str, Any]] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.guard()(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent)
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)


HOST = ("host", "localhost:8080")
LINK = (("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"))


@pytest.mark.parametrize(
    "headers",
    [
        [("host", "evil.example")],
        [("host", "evil.com@localhost")],
        [("host", "localhost/..")],
        [("host", "")],
        [HOST, HOST],
        [HOST, ("host", "evil.example")],
        [("host", "evil.example"), ("x-forwarded-host", "localhost")],
        [("host", "evil.example"), ("forwarded", "host=localhost")],
        [HOST, ("origin", "http://evil.example")],
        [HOST, ("origin", "http://localhost"), ("origin", "http://evil.example")],
        [HOST, ("origin", "")],
        [HOST, ("origin", "null")],
        [("host", "evil.example"), ("origin", "http://evil.example")],
        [HOST, ("sec-fetch-site", "cross-site")],
        [HOST, ("sec-fetch-site", " Cross-Site ")],
        [HOST, ("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
        [HOST, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
        [HOST, *LINK, ("sec-fetch-dest", "iframe")],
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/api/chat", "/health"])
def test_foreign_hosts_and_pages_are_refused_on_every_path(
    headers: list[tuple[str, str]], path: str
) -> None:
    guarded = Guarded()
    response = guarded.ask(*headers, path=path)
    assert response.status_code == 403
    assert guarded.refused == ["host or origin"]
    assert "access-control-allow-origin" not in response.headers
    body = response.json()
    if path.startswith("/api"):
        assert isinstance(body["error"], str)
    elif "messages" in path:
        assert body["error"]["type"] == "permission_error"
    else:
        assert body["error"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ([HOST], "POST"),
        ([HOST, ("origin", "http://localhost:3000"), ("sec-fetch-site", "cross-site")], "POST"),
        ([HOST, ("sec-fetch-site", "same-origin")], "POST"),
        ([HOST, ("sec-fetch-site", "same-site")], "GET"),
        ([HOST, ("sec-fetch-site", "none")], "GET"),
        ([HOST, *LINK], "GET"),
        ([HOST, *LINK, ("sec-fetch-dest", "document")], "GET"),
        ([], "GET"),
    ],
)
def test_programs_pages_of_this_machine_and_links_are_let_in(
    headers: list[tuple[str, str]], method: str
) -> None:
    guarded = Guarded()
    response = guarded.ask(*headers, method=method)
    assert response.json() == {"key": None, "trusted": True}
    assert (guarded.refused, guarded.admitted) == ([], [""])


def test_a_form_of_another_site_is_no_link() -> None:
    assert Guarded().ask(HOST, *LINK, method="POST").status_code == 403


def test_a_message_names_the_host_in_short_and_the_way_out() -> None:
    response = Guarded().ask(("host", f"{'a.' * 100}example"))
    message = response.json()["error"]["message"]
    assert "--allow-host" in message
    assert len(message) < 250


@pytest.mark.parametrize("target", ["http://localhost/v1", "localhost:8080", "", "v1/models"])
def test_a_target_that_is_no_path_is_refused(target: str) -> None:
    response = Guarded(keyed=True).ask(HOST, path=target)
    assert response.status_code == 400
    assert "no proxy" in response.json()["error"]["message"]


def test_without_a_host_only_this_machine_and_whoever_has_a_key_are_let_in() -> None:
    assert Guarded().ask(server=LOOPBACK).status_code == 200
    assert Guarded(open_to_all=True).ask(server=LAN).status_code == 403
    assert Guarded().ask(server=None).status_code == 403
    assert Guarded(keyed=True).ask(("api-key", "sk-alice"), server=LAN).status_code == 200


def test_a_loopback_name_from_another_machine_is_a_forgery() -> None:
    for host in ("localhost", "127.0.0.1:8080", "[::1]"):
        assert Guarded(open_to_all=True).ask(("host", host), server=LAN).status_code == 403
    assert Guarded(open_to_all=True).ask(("host", "192.168.1.5"), server=LAN).status_code == 200


# Keys


@pytest.mark.parametrize("sent", [("authorization", "Bearer sk-alice"), ("x-api-key", "sk-alice")])
def test_a_key_lets_in_under_any_host_and_its_name_is_known(sent: tuple[str, str]) -> None:
    guarded = Guarded(keyed=True)
    response = guarded.ask(("host", "gguf-fc:8080"), sent, server=LAN)
    assert response.json() == {"key": "alice", "trusted": True}
    assert guarded.admitted == ["alice"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/chat/completions", "invalid_request_error"),
        ("/v1/messages/count_tokens", "authentication_error"),
        ("/metrics", "invalid_request_error"),
        ("/docs", "invalid_request_error"),
        ("/openapi.json", "invalid_request_error"),
        ("/health/../v1/models", "invalid_request_error"),
        ("/health/", "invalid_request_error"),
        ("//health", "invalid_request_error"),
        ("/nothing", "invalid_request_error"),
    ],
)
def test_without_a_key_nothing_is_answered(path: str, kind: str) -> None:
    guarded = Guarded(keyed=True)
    response = guarded.ask(HOST, path=path)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="gguf-fc"'
    assert response.json()["error"]["type"] == kind
    assert "needs an API key" in response.json()["error"]["message"]
    assert guarded.refused == ["key"]


def test_a_wrong_key_is_not_repeated() -> None:
    response = Guarded(keyed=True).ask(HOST, ("x-api-key", "sk-SECRET"), path="/api/chat")
    assert (response.status_code, "SECRET" in response.text) == (401, False)
    assert response.json()["error"].startswith("The API key is not one of this server's")


def test_an_open_path_is_read_without_a_key_but_not_as_one_who_has_it() -> None:
    guarded = Guarded(keyed=True)
    assert guarded.ask(HOST, path="/health").json() == {"key": None, "trusted": False}
    assert guarded.ask(HOST, path="/health", method="HEAD").status_code == 200
    assert guarded.ask(HOST, path="/health", method="POST").status_code == 401
    known = guarded.ask(HOST, ("api-key", "sk-alice"), path="/health").json()
    assert known == {"key": "alice", "trusted": True}


@pytest.mark.parametrize("keyed", [False, True])
def test_a_key_is_no_leave_for_foreign_pages(keyed: bool) -> None:  # noqa: FBT001
    headers = [HOST, ("origin", "https://evil.example"), ("api-key", "sk-alice")]
    assert Guarded(keyed=keyed).ask(*headers).status_code == 403


# CORS

PREFLIGHT = ("access-control-request-method", "POST")
PAGE = ("origin", "http://localhost:3000")


@pytest.mark.parametrize("keyed", [False, True])
def test_a_preflight_of_an_allowed_page_is_answered_without_a_key(keyed: bool) -> None:  # noqa: FBT001
    asked = ("access-control-request-headers", "authorization,content-type,x-stainless-os")
    response = Guarded(keyed=keyed).ask(HOST, PAGE, PREFLIGHT, asked, method="OPTIONS")
    headers = response.headers
    assert (response.status_code, response.content) == (204, b"")
    assert headers["access-control-allow-origin"] == PAGE[1]
    assert {"POST", "DELETE"} <= {*headers["access-control-allow-methods"].split(", ")}
    assert headers["access-control-allow-headers"] == asked[1]
    assert "origin" in headers["vary"].lower()
    assert "access-control-allow-private-network" not in headers
    assert "access-control-allow-credentials" not in headers


def test_a_private_network_preflight_is_answered() -> None:
    asked = ("access-control-request-private-network", "true")
    headers = [HOST, ("origin", "https://chat.example.org"), PREFLIGHT, asked]
    allowed = Guarded(origins=("https://chat.example.org",)).ask(*headers, method="OPTIONS")
    assert allowed.headers["access-control-allow-private-network"] == "true"
    refused = Guarded().ask(*headers, method="OPTIONS")
    assert refused.status_code == 403
    assert not [name for name in refused.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("asked", ["a b", "x\ty", "a,,b", "a;b", ", a"])
def test_names_that_are_none_are_not_repeated(asked: str) -> None:
    headers = [HOST, PAGE, PREFLIGHT, ("access-control-request-headers", asked)]
    response = Guarded().ask(*headers, method="OPTIONS")
    assert response.headers["access-control-allow-headers"] == (
        "authorization, content-type, x-api-key"
    )


def test_options_without_a_page_is_no_preflight() -> None:
    assert Guarded(keyed=True).ask(HOST, PREFLIGHT, method="OPTIONS").status_code == 401
    assert Guarded().ask(HOST, PREFLIGHT, method="OPTIONS").status_code == 200
    assert Guarded(keyed=True).ask(HOST, PAGE, method="OPTIONS").status_code == 401


@pytest.mark.parametrize("sent", [[], [("api-key", "sk-alice")]])
def test_an_allowed_page_can_read_replies_and_refusals_of_its_key(
    sent: list[tuple[str, str]],
) -> None:
    response = Guarded(keyed=True).ask(HOST, PAGE, *sent)
    exposed = {*response.headers["access-control-expose-headers"].split(", ")}
    assert response.headers["access-control-allow-origin"] == PAGE[1]
    assert {"retry-after", "www-authenticate", "x-gguf-fc-ignored"} <= exposed
    assert ("x-gguf-fc-new" in exposed) is bool(sent)


def test_replies_differ_by_origin_also_for_who_sends_none() -> None:
    response = Guarded().ask(HOST)
    assert response.headers["vary"] == "Accept, Origin"
    assert not [name for name in response.headers if name.startswith("access-control-")]


def test_other_kinds_of_connection_are_closed() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise NotImplementedError

    asyncio.run(Guarded().guard()({"type": "websocket", "path": "/"}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
