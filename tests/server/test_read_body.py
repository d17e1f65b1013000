"""Types of body that a web page could have sent without being asked are refused."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from gguf_fc.errors import UnsupportedMediaType
from gguf_fc.server.read_body import MAX_BODY_BYTES, refuse_other_types
from tests.support.server import ROOT
from tests.support.serving import Application, entry

FORM = "application/x-www-form-urlencoded"
ORIGIN = {"origin": "http://localhost:3000"}
NAVIGATION = {"sec-fetch-mode": "navigate"}


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "Text/Plain; charset=utf-8"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": FORM, **ORIGIN},
        {"content-type": f"{FORM};charset=utf-8", **NAVIGATION},
        {"content-type": FORM, "referer": "http://evil.example/"},
        {**ORIGIN},
        {"content-type": "", **ORIGIN},
        {"content-type": " ; charset=utf-8", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_type_that_any_page_may_send_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json"):
        refuse_other_types(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"content-type": "application/json; charset=UTF-8", **ORIGIN},
        {"content-type": "application/vnd.api+json", **ORIGIN},
        {"content-type": FORM},  # curl -d
        {},  # a library that says nothing
        {"content-type": "application/octet-stream", **ORIGIN},  # asked for by a preflight
    ],
)
def test_other_types_are_read_as_json(headers: dict[str, str]) -> None:
    refuse_other_types(Headers(headers))


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/tokenize", "/api/chat", "/v1/messages", "/v1/embeddings"]
)
def test_every_kind_of_endpoint_answers_415_in_its_shape(path: str) -> None:
    application = Application([entry("demo", ROOT / "gguf_fc/demo/none.gguf")])
    response = application.ask("POST", path, body={}, headers={"content-type": "text/plain"})
    assert response.status_code == 415
    assert "application/json" in response.text
    error = response.json()["error"]
    assert isinstance(error, str) == path.startswith("/api")


def test_the_limit_is_what_the_page_says() -> None:
    assert MAX_BODY_BYTES == 32 << 20
    assert "32 MiB" in (ROOT / "docs" / "api.md").read_text()
