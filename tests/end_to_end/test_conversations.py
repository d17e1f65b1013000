"""Conversations as clients really send them, through the whole server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from openai import OpenAI

from tests.support.histories import histories
from tests.support.server import Server, running

pytestmark = pytest.mark.live

USER: Any = {"role": "user", "content": "What is the weather like in Paris?"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as opened:
        yield opened


def ask(client: OpenAI, messages: list[Any], **options: Any) -> str:
    """The content of a reply."""
    completion = client.chat.completions.create(
        model="demo", messages=messages, temperature=0, max_tokens=12, **options
    )
    return completion.choices[0].message.content or ""


def called(arguments: Any) -> list[Any]:
    function = {"name": "get_weather", "arguments": arguments}
    calls = [{"id": "call_1", "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"},
    ]


def test_a_begun_reply_is_gone_on_with_and_not_repeated(client: OpenAI) -> None:
    whole = ask(client, [USER])
    begun = " ".join(whole.split()[:3])
    rest = ask(client, [USER, {"role": "assistant", "content": begun}])
    assert not rest.startswith(begun)
    assert (begun + rest).startswith(whole)


def test_broken_arguments_are_mended_or_kept_as_text(client: OpenAI) -> None:
    good = ask(client, [USER, *called('{"city": "Paris"}')])
    assert ask(client, [USER, *called("{'city': 'Paris',")]) == good
    assert ask(client, [USER, *called({"city": "Paris"})]) == good
    assert ask(client, [USER, *called("{city")]) == ask(client, [USER, *called({"input": "{city"})])


def test_the_template_s_process_may_die(server: Server, client: OpenAI) -> None:
    before = ask(client, [USER])
    renderers = [
        child
        for child in psutil.Process(server.process.pid).children(recursive=True)
        if "gguf_fc.rendering.process" in child.cmdline()
    ]
    assert len(renderers) == 1
    renderers[0].kill()
    while renderers[0].status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert ask(client, [USER]) == before


@settings(
    derandomize=True,
    max_examples=25,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(histories())
def test_no_conversation_is_a_server_error(server: Server, history: list[Any]) -> None:
    body = {"model": "demo", "messages": history, "max_tokens": 4}
    # As some clients do: every character that is not ASCII is escaped, halves of pairs included.
    reply = httpx.post(f"{server.url}/chat/completions", content=json.dumps(body), timeout=60)
    assert reply.status_code in (200, 400), reply.text
    if reply.status_code == 400:
        # A half of a pair of characters alone is no JSON, so then it is the body that is named.
        assert reply.json()["error"]["param"] in ("messages", "body") or "messages[" in reply.text
