"""A name that the server itself lists is known on every route that takes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gguf_fc.server.operations import OPERATIONS, Operation
from tests.support.server import QUIET, Server, running

pytestmark = pytest.mark.live

NAMING = [one for one in OPERATIONS if one.fields is not None and "model" in one.fields.honoured]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server"), *QUIET) as started:
        yield started


def status(server: Server, operation: Operation, name: str) -> tuple[int, str]:
    body: dict[str, Any] = {**next(iter(operation.examples.values())), "model": name}
    response = httpx.request(operation.method, server.root + operation.path, json=body, timeout=60)
    return response.status_code, response.text


@pytest.mark.parametrize("operation", NAMING, ids=lambda one: f"{one.method} {one.path}")
def test_names_are_known_as_every_protocol_lists_them(server: Server, operation: Operation) -> None:
    listed = httpx.get(f"{server.root}/api/tags").json()["models"][0]["name"]
    ids = [entry["id"] for entry in httpx.get(f"{server.root}/v1/models").json()["data"]]
    assert (listed, ids) == ("demo:latest", ["demo"])
    plain = status(server, operation, "demo")
    assert plain[0] != 404, plain
    assert status(server, operation, listed)[0] == plain[0]
    unknown = status(server, operation, "demo:other")
    assert unknown[0] == 404, unknown
    assert "demo" in unknown[1]
