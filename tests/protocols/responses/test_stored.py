"""The routes of responses that are kept."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import httpx
import pytest
from openai.types.responses import ResponseItem
from pydantic import TypeAdapter
from starlette.applications import Starlette

from gguf_fc.errors import GgufFcError
from gguf_fc.protocols.responses.input import read_input
from gguf_fc.protocols.responses.items import kept_items
from gguf_fc.protocols.responses.schema import RESPONSES
from gguf_fc.protocols.responses.store import ResponseStore, stored
from gguf_fc.server.errors import on_error
from gguf_fc.server.routes import stored_response_routes

ITEMS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hm"}],
    },
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "18"},
    {"type": "custom_tool_call", "call_id": "d", "name": "sh", "input": "ls"},
    {"type": "custom_tool_call_output", "call_id": "d", "output": "a"},
]
OUTPUT: list[dict[str, Any]] = [
    {
        "id": "msg_out",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "18", "annotations": [], "logprobs": []}],
    }
]


@pytest.fixture
def store() -> ResponseStore:
    """A store with the response that answered ``ITEMS``."""
    numbers = count(1)
    body, _ = RESPONSES.convert({"input": ITEMS})
    kept = ResponseStore()
    given = read_input(body, kept, lambda prefix: f"{prefix}{next(numbers)}")
    response = {"id": "resp_1", "object": "response", "output": OUTPUT}
    kept.add(stored(response, (), given.items, kept_items(OUTPUT)))
    return kept


def ask(store: ResponseStore, method: str, path: str) -> httpx.Response:
    app = Starlette(
        routes=stored_response_routes(store), exception_handlers={GgufFcError: on_error}
    )

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, f"/v1/responses{path}")

    return asyncio.run(asked())


def test_a_response_is_shown_as_it_was_sent(store: ResponseStore) -> None:
    assert ask(store, "GET", "/resp_1").json() == {
        "id": "resp_1",
        "object": "response",
        "output": OUTPUT,
    }


def test_a_deleted_response_is_gone(store: ResponseStore) -> None:
    deleted = {"id": "resp_1", "object": "response", "deleted": True}
    assert ask(store, "DELETE", "/resp_1").json() == deleted
    assert ask(store, "GET", "/resp_1").status_code == 404


def test_items_are_listed_as_the_official_types_have_them(store: ResponseStore) -> None:
    page = ask(store, "GET", "/resp_1/input_items?order=asc").json()
    kinds = [item["type"] for item in page["data"]]
    assert kinds == [item.get("type", "message") for item in ITEMS]
    for item in page["data"]:
        TypeAdapter(ResponseItem).validate_python(item, strict=True)
    assert (page["first_id"], page["has_more"]) == ("msg_1", False)


def test_items_come_page_by_page_newest_first(store: ResponseStore) -> None:
    everything = [item["id"] for item in ask(store, "GET", "/resp_1/input_items").json()["data"]]
    found: list[str] = []
    path = "/resp_1/input_items?limit=3"
    while True:
        page = ask(store, "GET", path).json()
        found += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        path = f"/resp_1/input_items?limit=3&after={page['last_id']}"
    assert found == everything
    assert everything[-1] == "msg_1"


def test_nothing_comes_after_an_item_that_is_not_there(store: ResponseStore) -> None:
    page = ask(store, "GET", "/resp_1/input_items?after=msg_99").json()
    assert page["data"] == []
    assert (page["first_id"], page["last_id"], page["has_more"]) == (None, None, False)


@pytest.mark.parametrize(
    ("method", "path", "status", "param"),
    [
        ("GET", "/resp_2", 404, "response_id"),
        ("DELETE", "/resp_2", 404, "response_id"),
        ("GET", "/resp_2/input_items", 404, "response_id"),
        ("POST", "/resp_2/cancel", 404, "response_id"),
        ("POST", "/resp_1/cancel", 400, "response_id"),
        ("GET", "/resp_1?stream=true", 400, "stream"),
        ("GET", "/resp_1/input_items?limit=0", 400, "limit"),
        ("GET", "/resp_1/input_items?limit=x", 400, "limit"),
        ("GET", "/resp_1/input_items?order=up", 400, "order"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(
    store: ResponseStore, method: str, path: str, status: int, param: str
) -> None:
    refused = ask(store, method, path)
    assert refused.status_code == status
    assert refused.json()["error"]["param"] == param
