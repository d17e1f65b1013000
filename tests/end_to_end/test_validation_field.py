"""The reply's field ``validation``: what was written, checked against the client's own schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.random_model import write_random_model
from tests.support.server import Server, running

pytestmark = pytest.mark.live

TEMPLATE = Path(__file__).parent / "templates" / "tagged.jinja"
QUESTION: Any = [{"role": "user", "content": "x"}]
POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["x"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("random")
    write_random_model(folder / "m.gguf", chat_template=TEMPLATE.read_text())
    with running(folder, str(folder / "m.gguf"), "--ctx", "2048") as started:
        yield started


def tools(parameters: Any) -> Any:
    return [{"type": "function", "function": {"name": "point", "parameters": parameters}}]


def asked(server: Server, **options: Any) -> Any:
    """The reply as the official client has it, and the same one from a stream."""
    with server.client() as client:
        common: Any = {"model": "m", "messages": QUESTION, "seed": 1, "temperature": 1, **options}
        reply = client.chat.completions.create(**common)
        chunks = list(client.chat.completions.create(**common, stream=True))
    (last,) = (chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
    assert [chunk for chunk in chunks if hasattr(chunk, "validation")] in ([], [last])
    assert getattr(last, "validation", None) == getattr(reply, "validation", None)
    return reply


def form(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}


def test_each_call_has_its_verdict(server: Server) -> None:
    reply = asked(server, tools=tools(POINT), tool_choice="required", parallel_tool_calls=False)
    assert reply.choices[0].message.tool_calls
    assert reply.validation == [{"subject": "tool_calls[0]", "result": "valid"}]


def test_an_answer_has_its_verdict(server: Server) -> None:
    reply = asked(server, response_format=form(POINT))
    assert reply.validation == [{"subject": "content", "result": "valid"}]


def test_a_schema_that_cannot_be_used_as_one_is_told(server: Server) -> None:
    odd = {**POINT, "title": 7}
    reply = asked(server, response_format=form(odd))
    (verdict,) = reply.validation
    assert verdict["result"] == "not_checked"
    assert "the schema cannot be used" in verdict["reason"]


def test_without_a_schema_there_is_nothing_to_check(server: Server) -> None:
    assert not hasattr(asked(server, max_tokens=5), "validation")


def test_a_cut_off_call_is_not_checked(server: Server) -> None:
    reply = asked(server, tools=tools(POINT), tool_choice="required", max_tokens=6)
    assert not hasattr(reply, "validation")


@pytest.mark.parametrize("depth", [40, 200, 450])
@pytest.mark.parametrize(
    "body",
    [
        '"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}',
        '"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]',
    ],
    ids=["format", "tools"],
)
def test_a_deep_schema_is_never_the_server_s_fault(server: Server, body: str, depth: int) -> None:
    # Written by hand: clients cannot encode what is nested so deep.
    opening, closing = '{"type": "object", "properties": {"a": ', "}}"
    schema = opening * depth + '{"type": "null"}' + closing * depth
    text = '{"messages": [{"role": "user", "content": "x"}], "max_tokens": 20, BODY}'
    text = text.replace("BODY", body.replace("SCHEMA", schema))
    response = httpx.post(f"{server.url}/chat/completions", content=text, timeout=60)
    if depth == 40:
        assert response.status_code == 200
    else:
        assert response.status_code == 400
        assert "nested more than 200 deep" in response.json()["error"]["message"]
        assert response.json()["error"]["param"] in body
