"""Paths that clients write otherwise than we do, and what is said of unknown ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.server.operations import OPERATIONS
from gguf_fc.server.paths import KNOWN_PATHS
from tests.support.serving import Application, entry

OFFERED = entry("demo", Path("demo.gguf"))
PATHS = sorted({one.path for one in OPERATIONS} - {"/"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/v1/models/", "/v1/models"),
        ("/models", "/v1/models"),
        ("/models/owner/name:Q4_K_M", "/v1/models/owner/name:Q4_K_M"),
        ("/chat/completions", "/v1/chat/completions"),
        ("//v1//chat/completions/", "/v1/chat/completions"),
        ("/v1/v1/messages", "/v1/messages"),
        ("/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/health", "/health"),
        ("/v1/api/chat", "/api/chat"),
        ("/responses/resp_1/", "/v1/responses/resp_1"),
        ("/v1", "/"),
        ("/v1/", "/"),
        ("/", "/"),
        ("/v1/chat/completion", "/v1/chat/completion"),
        ("/%2e%2e/health", "/%2e%2e/health"),
        ("/v1/responses/a/b", "/v1/responses/a/b"),
    ],
)
def test_a_path_is_read_as_it_is_meant(written: str, meant: str) -> None:
    assert KNOWN_PATHS.meant(written) == meant


@pytest.mark.parametrize("path", PATHS)
def test_every_path_may_lack_its_version_and_have_slashes_too_many(path: str) -> None:
    for written in (path, f"{path}/", f"/{path}", path.removeprefix("/v1"), f"/v1{path}"):
        assert KNOWN_PATHS.meant(written) == path


def test_a_path_that_means_another_is_answered_like_it() -> None:
    application = Application([OFFERED])
    for path in ("/v1/models", "/v1/models/", "/models", "//v1/models"):
        assert application.get(path).json()["data"][0]["id"] == "demo"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_is_not_there_is_a_405_with_those_that_are(path: str, method: str) -> None:
    allowed = KNOWN_PATHS.methods(path)
    if method in allowed:
        return
    response = Application([OFFERED]).ask(method, path.replace("{", "").replace("}", ""))
    assert response.status_code == 405
    assert response.headers["allow"] == ", ".join(allowed)
    assert all(one in response.text for one in allowed)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/v1/embedding", "/v1/embeddings"),
        ("/api/tag", "/api/tags"),
        ("/v1/chat/completions/stream", "/v1/chat/completions"),
    ],
)
def test_an_unknown_path_is_a_404_with_the_nearest(path: str, nearest: str) -> None:
    response = Application([OFFERED]).post(path, {})
    assert response.status_code == 404
    assert f"Did you mean {nearest}?" in response.text


def test_a_path_like_none_is_sent_to_the_list_and_a_long_one_is_cut() -> None:
    assert "GET /docs" in Application([OFFERED]).get("/zzzzzzzz").text
    assert len(Application([OFFERED]).get("/" + "x" * 50_000).text) < 500
