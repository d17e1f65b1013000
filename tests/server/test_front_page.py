"""``GET /`` for people, programs and clients that want a sign of life."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.server.accept import preferred
from tests.support.serving import Application, entry

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
OFFERED = [entry("demo", Path("demo.gguf")), entry("<b>", Path("other.gguf"))]
KINDS = ("text/plain", "application/json", "text/html")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        (BROWSER, "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "text/plain"),
        ("application/json, */*;q=0.5", "application/json"),
        ("text/html;q=0.4, application/json;q=0.9", "application/json"),
        ("TEXT/HTML", "text/html"),
        ("text/*", "text/plain"),
        ("text/html;q=x", "text/html"),
        ("image/png", "text/plain"),
        (";;q=,,", "text/plain"),
    ],
)
def test_the_best_liked_type_is_found(header: str, kind: str) -> None:
    assert preferred(header, KINDS) == kind


def test_a_browser_gets_a_page_that_fetches_nothing() -> None:
    response = Application(OFFERED).ask("GET", "/", headers={"accept": BROWSER})
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "demo" in response.text
    assert "http://localhost/v1" in response.text
    assert "href=/docs" in response.text
    assert not any(word in response.text for word in ("<script", "src=", "@import", "<b>", "url("))


def test_a_program_gets_an_object() -> None:
    response = Application(OFFERED).ask("GET", "/", headers={"accept": "application/json"})
    assert response.json()["models"] == ["demo", "<b>"]
    assert response.json()["docs"] == "/docs"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_others_get_the_line_that_says_it_runs(method: str) -> None:
    response = Application(OFFERED).ask(method, "/")
    assert response.status_code == 200
    if method == "GET":
        assert response.text == "Ollama is running"
