"""Requests as plain JSON, for tests that look at every byte that is said."""

from __future__ import annotations

import json
from typing import Any

import httpx

Json = dict[str, Any]


def post(client: httpx.Client, path: str, **body: Any) -> Json:
    """The body of a reply that is no error."""
    found = client.post(path, json=body)
    assert found.status_code == 200, found.text
    read = found.json()
    assert isinstance(read, dict)
    return read


def refused(client: httpx.Client, path: str, **body: Any) -> Json:
    """The error of a refused request."""
    found = client.post(path, json=body)
    assert found.status_code == 400, found.text
    error = found.json()["error"]
    assert error["message"]
    return error


def chunks(client: httpx.Client, path: str, **body: Any) -> list[Json]:
    """The chunks of a streamed reply, its end left out."""
    with client.stream("POST", path, json={**body, "stream": True}) as found:
        assert found.status_code == 200
        lines = [line.removeprefix("data: ") for line in found.iter_lines() if "data: " in line]
    return [json.loads(line) for line in lines if line != "[DONE]"]
