"""The number of calls in a reply, in every protocol.

One where it is named, and in the generic form; none twice, unless several are asked for.

The models have random weights, so they call as often as they may.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gguf_fc.dialect.prompt.generic import GENERIC
from tests.support.random_model import write_random_model
from tests.support.server import Server, running
from tests.support.templates import template_text

pytestmark = pytest.mark.live

Json = dict[str, Any]
QUESTIONS = range(12)
# Without arguments every call of a tool repeats the first.
SCHEMA: Json = {"type": "object", "properties": {}}
NAMES = ("ping", "pong")


@dataclass(frozen=True)
class Protocol:
    """A request that must call, and the names called in its reply."""

    path: str
    tool: Callable[[str], Json]
    named: Callable[[str], Json]
    required: Json
    called: Callable[[Json], list[str]]
    limit: str
    rest: Json

    def ask(self, server: Server, n: int, **fields: Any) -> list[str]:
        limit = (
            {"options": {"num_predict": 200}} if self.limit == "num_predict" else {self.limit: 200}
        )
        rest = json.loads(json.dumps(self.rest).replace("hello", f"hello {n}"))
        body = {**rest, **limit, "tools": list(map(self.tool, NAMES))}
        answer = httpx.post(server.root + self.path, json={**body, **fields}, timeout=60)
        assert answer.status_code == 200, answer.text
        return self.called(answer.json())


def function(name: str) -> Json:
    return {
        "type": "function",
        "function": {"name": name, "description": name, "parameters": SCHEMA},
    }


def messages() -> Json:
    return {"model": "m", "messages": [{"role": "user", "content": "hello"}], "temperature": 0}


PROTOCOLS = {
    "chat": Protocol(
        "/v1/chat/completions",
        function,
        lambda name: {"tool_choice": {"type": "function", "function": {"name": name}}},
        {"tool_choice": "required"},
        lambda reply: [
            c["function"]["name"] for c in reply["choices"][0]["message"].get("tool_calls", [])
        ],
        "max_tokens",
        messages(),
    ),
    "responses": Protocol(
        "/v1/responses",
        lambda name: {"type": "function", "name": name, "parameters": SCHEMA},
        lambda name: {"tool_choice": {"type": "function", "name": name}},
        {"tool_choice": "required"},
        lambda reply: [i["name"] for i in reply["output"] if i["type"] == "function_call"],
        "max_output_tokens",
        {"model": "m", "input": "hello", "temperature": 0},
    ),
    "messages": Protocol(
        "/v1/messages",
        lambda name: {"name": name, "input_schema": SCHEMA},
        lambda name: {"tool_choice": {"type": "tool", "name": name}},
        {"tool_choice": {"type": "any"}},
        lambda reply: [i["name"] for i in reply["content"] if i["type"] == "tool_use"],
        "max_tokens",
        messages(),
    ),
    "ollama": Protocol(
        "/api/chat",
        function,
        lambda name: {"tool_choice": {"type": "function", "function": {"name": name}}},
        {"tool_choice": "required"},
        lambda reply: [call["function"]["name"] for call in reply["message"].get("tool_calls", [])],
        "num_predict",
        {"model": "m", "messages": messages()["messages"], "stream": False},
    ),
}
EVERY = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)


@pytest.fixture(scope="module", params=["array", "no_tools"])
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    write_random_model(folder / "m.gguf", chat_template=template_text(request.param))
    with running(folder, str(folder / "m.gguf"), "--ctx", "4096") as started:
        yield started


@pytest.fixture
def native(server: Server) -> bool:
    return any("native" in line for line in server.lines)


def replies(server: Server, protocol: Protocol, fields: Json) -> list[list[str]]:
    """The names called in each reply that was not cut off before its first call."""
    found = [protocol.ask(server, n, **fields) for n in QUESTIONS]
    assert sum(map(bool, found)) >= 2
    return list(filter(None, found))


@EVERY
def test_a_named_function_is_called_once(server: Server, protocol: Protocol) -> None:
    assert set(map(tuple, replies(server, protocol, protocol.named("pong")))) == {("pong",)}


@EVERY
def test_without_being_asked_for_no_call_is_made_twice_and_in_the_generic_form_only_one(
    server: Server,
    protocol: Protocol,
    native: bool,  # noqa: FBT001
) -> None:
    for names in replies(server, protocol, protocol.required):
        assert len(names) == len(set(names)) if native else len(names) == 1


def test_the_prompt_speaks_of_several_calls_where_there_may_be_some(
    server: Server,
    native: bool,  # noqa: FBT001
) -> None:
    said = "parallel calls: yes" if native else "parallel calls: if asked for"
    assert any(said in line for line in server.lines)
    for parallel in (None, False, True):
        body = {**messages(), "tools": [function("ping")]}
        if parallel is not None:
            body["parallel_tool_calls"] = parallel
        answer = httpx.post(server.root + "/apply-template", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        told = GENERIC.several in json.dumps(answer.json())
        assert told == (parallel is True and not native)
