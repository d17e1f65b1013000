"""Errors outside the handlers: in the shape of the protocol whose path was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gguf_fc.server.operations import OPERATIONS
from tests.support.serving import Application, entry

PATHS = sorted({one.path.replace("{", "").replace("}", "") for one in OPERATIONS})
UNKNOWN = ("/api/pull", "/v1/messages/batches", "/v1/audio/speech", "/nothing", "/apis", "/")


def shape(body: Any) -> str:
    """The protocol whose errors look like *body*."""
    match body:
        case {"error": str()}:
            return "ollama"
        case {"type": "error", "error": {"type": str(), "message": str()}}:
            return "messages"
        case {"error": {"message": str(), "type": str(), "param": _, "code": _}}:
            return "openai"
        case _:
            return f"none: {body}"


def protocol(path: str) -> str:
    first, _, rest = path.removeprefix("/").partition("/")
    if first == "api":
        return "ollama"
    return "messages" if f"{first}/{rest}/".startswith("v1/messages/") else "openai"


@pytest.mark.parametrize("path", [*PATHS, *UNKNOWN])
def test_a_wrong_method_or_path_is_told_in_the_shape_of_the_paths_protocol(path: str) -> None:
    response = Application([entry("demo", Path("demo.gguf"))]).ask("PATCH", path)
    assert response.status_code in {404, 405}
    assert shape(response.json()) == protocol(path)


def test_a_path_of_two_protocols_answers_in_the_one_that_the_client_names() -> None:
    application = Application([entry("demo", Path("demo.gguf"))])
    named = {"anthropic-version": "2023-06-01"}
    assert shape(application.ask("GET", "/v1/models/no", named).json()) == "messages"
    assert shape(application.ask("GET", "/v1/models/no").json()) == "openai"
