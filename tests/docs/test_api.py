"""Every request of docs/api.md and the README gets the reply that stands below it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from gguf_fc.server.operations import OPERATIONS
from tests.support.documented import differences, exchanges
from tests.support.server import ROOT, Server

TEXT = (ROOT / "docs" / "api.md").read_text() + (ROOT / "README.md").read_text()
PAGE = exchanges(TEXT)
ID = re.compile(r"\bresp_[0-9a-f]{32}\b")


@pytest.fixture(scope="module")
def replies(server: Server) -> list[str]:
    """The reply to every request of the page, asked in its order."""
    ids: dict[str, str] = {}  # of the page -> of this run: responses are asked for again
    found: list[str] = []
    with httpx.Client(base_url=server.root, timeout=60) as client:
        for one in PAGE:
            path = ID.sub(lambda match: ids[match[0]], one.path)
            reply = client.request(one.method, path, json=one.body)
            if made := ID.findall(one.reply):
                ids.setdefault(made[0], reply.json().get("id", ""))
            found.append(one.shown(reply.text))
    return found


@pytest.mark.parametrize("n", range(len(PAGE)), ids=lambda n: ID.sub("ID", PAGE[n].name))
def test_a_request_gets_the_reply_of_the_page(n: int, replies: list[str]) -> None:
    assert differences(PAGE[n].reply, replies[n]) == [], replies[n]


def test_every_route_has_a_request_on_the_page() -> None:
    asked = {(one.method, one.path) for one in PAGE}
    without = [
        f"{operation.method} {operation.path}"
        for operation in OPERATIONS
        if not any(
            method == operation.method and re.fullmatch(_pattern(operation.path), path)
            for method, path in asked
        )
    ]
    assert without == []


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))


def test_every_request_of_the_page_is_asked() -> None:
    assert len(PAGE) == TEXT.count("```sh\ncurl ")


SHOWN: dict[str, Any] = {"id": "a1", "kind": "x", "list": [1, 2], "usage": {"n": 1}}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "y"}, ".kind"),
        ({"id": 1}, ".id"),
        ({"id": None}, ".id"),
        ({"more": 1}, "with ['more']"),
        ({"list": [1, 2, 3]}, ".list: 3 items"),
        ({"usage": {"n": "1"}}, ".usage.n"),
    ],
)
def test_a_reply_that_differs_is_found(change: dict[str, Any], place: str) -> None:
    (found,) = differences(json.dumps(SHOWN), json.dumps(SHOWN | change))
    assert place in found


def test_what_differs_from_run_to_run_is_compared_by_its_type() -> None:
    real = SHOWN | {"id": "b2", "usage": {"n": 2.5}}
    assert differences(json.dumps(SHOWN), json.dumps(real)) == []


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ('{"a": [1, "..."]}', '{"a": [1, 2, 3]}'),
        ('{"a": "be..."}', '{"a": "begun"}'),
        ('{"a": 1, "...": "..."}', '{"a": 1, "b": 2}'),
        ('data: {"n": 1}\n...\ndata: [DONE]', 'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]'),
    ],
)
def test_what_the_page_leaves_out_is_not_compared(shown: str, real: str) -> None:
    assert differences(shown, real) == []
    assert differences(shown, real.replace("1", "7").replace("begun", "gone")) != []
