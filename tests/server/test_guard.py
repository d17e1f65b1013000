"""Only local pages and local names get in."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.responses import Response

from gguf_fc.server.guard import LocalOnly


def status(headers: dict[str, str], allowed: tuple[str, ...] = ()) -> int:
    async def ask() -> int:
        transport = httpx.ASGITransport(LocalOnly(Response("in"), allowed))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return (await client.get("/", headers=headers)).status_code

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1:8080", "[::1]:8080", "[::1]"]
)
def test_loopback_names_are_served(host: str) -> None:
    assert status({"host": host}) == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "", "[::1", "0"])
def test_other_names_are_refused(host: str) -> None:
    assert status({"host": host}) == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:1"])
def test_local_pages_may_use_the_server(origin: str) -> None:
    assert status({"origin": origin}) == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_other_pages_may_not(origin: str) -> None:
    assert status({"origin": origin}) == 403


def test_further_hosts_can_be_allowed() -> None:
    assert status({"host": "box.lan:8080"}, ("box.lan",)) == 200
