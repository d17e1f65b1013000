"""What ``/v1/explain`` foretells is what then happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.choices import TOOLS
from tests.support.server import Server, running

pytestmark = pytest.mark.live

BODY: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Set an alarm for seven"}],
    "tools": TOOLS,
    "max_tokens": 20,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


def post(server: Server, path: str, **fields: Any) -> dict[str, Any]:
    response = httpx.post(server.url + path, json=BODY | fields, timeout=60)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_tokens_and_cache_are_those_of_the_reply(server: Server) -> None:
    before = post(server, "/explain")
    assert before["cache"] == {"decision": "nothing", "cached_tokens": 0}
    assert 0 < before["prompt"]["tool_tokens"] < before["prompt"]["tokens"]

    usage = post(server, "/chat/completions")["usage"]
    assert usage["prompt_tokens"] == before["prompt"]["tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0

    after = post(server, "/explain")
    assert after["cache"]["decision"] == "go on"
    again = post(server, "/chat/completions")["usage"]
    assert again["prompt_tokens_details"] == {"cached_tokens": after["cache"]["cached_tokens"]}


def test_a_prompt_that_does_not_fit_is_explained_all_the_same(server: Server) -> None:
    long = [{"role": "user", "content": "word " * 20_000}]
    prompt = post(server, "/explain", messages=long)["prompt"]
    assert prompt["tokens"] > prompt["context_length"]
    assert prompt["fits"] is False
