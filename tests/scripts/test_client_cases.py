"""Client cases: their requests are read however they are written, and judged by their shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from client_cases import judged
from client_trials.asking import requests_of
from client_trials.judges import faults, wanted_status
from client_trials.servers import DEMO, serving
from tests.support.server import QUIET

CHAT: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
PIXEL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def read(**case: Any) -> list[tuple[str, str, Any]]:
    return [(one.method, one.path, one.body) for one in requests_of(case)]


def test_requests_are_read_from_objects_lines_and_commands() -> None:
    assert read(request={"path": "/v1/models"}) == [("GET", "/v1/models", {})]
    assert read(request={"path": "/x", "raw_body": '{"a": 1.0}'}) == [("POST", "/x", {"a": 1.0})]
    assert read(requests=[{"path": "/x", "body": {"b": 2}}]) == [("POST", "/x", {"b": 2})]
    steps = ["GET /api/tags -> name demo", "POST /v1/embeddings model=m (also /v1/messages)"]
    found = read(steps=steps)
    assert [path for _, path, _ in found] == ["/api/tags", "/v1/embeddings", "/v1/messages"]
    assert found[1][2]["model"] == found[2][2]["model"] == "m"
    line = "curl -H 'Host: a.b:P' -d '{\"x\": 1}' http://127.0.0.1:P/v1/y   (from afar)"
    (curl,) = requests_of({"steps": [line]})
    assert (curl.method, curl.path, curl.body) == ("POST", "/v1/y", {"x": 1})
    assert curl.headers["Host"] == "a.b:P"
    assert read(requests="three turns of one conversation") == []
    chained = read(steps=["POST /v1/completions model=m -> 200; GET /health -> 503"])
    assert [path for _, path, _ in chained] == ["/v1/completions", "/health"]


def test_the_wanted_status_is_the_case_s_own() -> None:
    (line,) = requests_of({"steps": ["GET /health -> 503"]})
    assert wanted_status({"right": "200: x"}, line) == 503
    (plain,) = requests_of({"steps": ["GET /health"]})
    assert wanted_status({"right": "404 where"}, plain) == 404
    assert wanted_status({"right": "a note in its place; a 400 only for"}, plain) == 200
    assert wanted_status({"right": "the shape of its protocol"}, plain) is None


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving((str(DEMO), "--ctx", "512", "--parallel", "1", *QUIET)) as served:
        yield served


def found(address: str, right: str, **case: Any) -> str:
    told = {"right": right, **case}
    return "; ".join(f for one in requests_of(told) for f in faults(address, told, one))


@pytest.mark.live
def test_answers_are_judged_by_status_and_by_the_shape_of_the_request(address: str) -> None:
    chat = {"path": "/v1/chat/completions", "body": CHAT}
    assert found(address, "200", request=chat) == ""
    assert "200 instead of 400" in found(address, "400", request=chat)
    assert found(address, "the shape of its protocol", requests=["POST /api/nothing"]) == ""
    assert found(address, "405 with Allow", requests=["GET /api/chat"]) == ""
    assert "instead of an error" in found(address, "the shape", requests=["GET /health"])
    long = {"model": "demo", "input": "word " * 600}
    assert found(address, "200", request={"path": "/api/embed", "body": long}) == ""
    content = [{"type": "text", "text": "look"}, PIXEL]
    old: list[Any] = [{"role": "user", "content": content}, {"role": "assistant", "content": "no"}]
    body: dict[str, Any] = {**CHAT, "messages": [*old, *CHAT["messages"]]}
    assert found(address, "200", request={"path": chat["path"], "body": body}) == ""


def test_a_judge_finds_what_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_method: str, url: str, **_: Any) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"context_length": 4096}], "url": url})

    monkeypatch.setattr(httpx, "request", silent)
    monkeypatch.setattr(httpx, "get", lambda url, **_: silent("GET", url))
    body = {"model": "m", "options": {"num_ctx": 8192}}
    assert "num_ctx" in found("", "200", request={"path": "/api/chat", "body": body})
    seen = {"messages": [{"role": "user", "content": [PIXEL]}]}
    assert "not named" in found("", "200", request={"path": "/v1/x", "body": seen})
    tools = [{"type": "namespace", "name": "n", "tools": [{"name": "f"}]}]
    assert "called" in found("", "200", request={"path": "/v1/responses", "body": {"tools": tools}})


@pytest.mark.live
def test_a_figure_counts_the_right_and_notes_what_is_prose() -> None:
    case = {"right": "200", "request": {"path": "/v1/chat/completions", "body": CHAT}}
    wrong = json.loads(json.dumps(case)) | {"right": "400"}
    figure = judged([("one", case), ("two", wrong), ("told", {"requests": "three turns"})])
    assert (figure.total, figure.right) == (2, 1)
    assert figure.misses[0].row == "two"
    assert "told" in figure.notes[0]
