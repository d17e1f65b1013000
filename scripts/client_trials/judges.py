"""Judges of answers: the status that a case wants, and what its shape asks for beside it.

A judge is chosen by what a request has, never by the case's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from client_trials.asking import Asked, Case

WARNING, IGNORED = "x-gguf-fc-warning", "x-gguf-fc-ignored"
_SHOWN = 200  # characters of an answer
_ERROR = 400  # this status and those above are errors
PICTURES = ("image_url", "input_image", "image", "images", "input_file", "document", "input_audio")


def wanted_status(case: Case, asked: Asked) -> int | None:
    """Status that *case* wants of *asked*; None: any error."""
    if asked.status is not None:
        return asked.status
    if found := re.match(r"\s*(\d{3})\b", case.get("right", "")):
        return int(found[1])
    return None if "shape" in case.get("right", "") else 200


def faults(address: str, case: Case, asked: Asked) -> Iterator[str]:
    """Faults of the answer to *asked*."""
    answer = asked.send(address)
    wanted = wanted_status(case, asked)
    named = f"{asked.method} {asked.path}"
    if wanted is None and answer.status_code < _ERROR:
        yield f"{named}: {answer.status_code} instead of an error"
    if wanted is not None and answer.status_code != wanted:
        yield f"{named}: {answer.status_code} instead of {wanted}: {answer.text[:_SHOWN]}"
        return
    if answer.status_code == httpx.codes.METHOD_NOT_ALLOWED and "allow" not in answer.headers:
        yield f"{named}: no Allow header says which methods there are"
    if answer.status_code >= _ERROR:
        yield from _wrong_shape(asked.path, answer)
        return
    for judge in (_names, _window, _cut_texts, _pictures, _namespaces):
        yield from (f"{named}: {fault}" for fault in judge(address, asked, answer))


def _wrong_shape(path: str, answer: httpx.Response) -> Iterator[str]:
    """Faults of an error's body, in the protocol whose path it is."""
    try:
        body = answer.json()
    except ValueError:
        yield f"{path}: the error is no JSON: {answer.text[:_SHOWN]}"
        return
    error = body.get("error") if isinstance(body, dict) else None
    if path.startswith("/api/"):
        right = isinstance(error, str)
    elif path.startswith("/v1/messages"):
        right = body.get("type") == "error" and isinstance(error, dict) and "type" in error
    else:
        right = isinstance(error, dict) and {"message", "type", "param", "code"} <= error.keys()
    if not right:
        yield f"{path}: the error has another protocol's shape: {answer.text[:_SHOWN]}"


def _names(address: str, asked: Asked, answer: httpx.Response) -> Iterator[str]:
    """Every name that a list has is served on the other protocols' paths."""
    if asked.path == "/api/tags":
        for entry in answer.json()["models"]:
            found = httpx.get(f"{address}/v1/models/{entry['name']}", timeout=60)
            if found.status_code != httpx.codes.OK:
                yield f"the name '{entry['name']}' is unknown on /v1/models"


def _window(address: str, asked: Asked, answer: httpx.Response) -> Iterator[str]:
    options = asked.body.get("options")
    n_ctx = options.get("num_ctx") if isinstance(options, dict) else None
    if not isinstance(n_ctx, int | float):
        return
    models = httpx.get(f"{address}/v1/models", timeout=60).json()["data"]
    longest = max(model.get("context_length", 0) for model in models)
    if (n_ctx > longest) != (WARNING in answer.headers):
        yield f"num_ctx {n_ctx} of {longest}, but the warning is {answer.headers.get(WARNING)!r}"


def _cut_texts(address: str, asked: Asked, answer: httpx.Response) -> Iterator[str]:
    """Texts that are cut are warned of, and refused where they must not be cut."""
    if asked.path not in {"/api/embed", "/api/embeddings"} or not asked.body:
        return
    refused, warning = asked.changed(truncate=False).send(address), answer.headers.get(WARNING)
    if asked.path == "/api/embed" and (refused.status_code == _ERROR) != (warning is not None):
        yield f"the warning is {warning!r}; without truncation it is a {refused.status_code}"


def _pictures(_address: str, asked: Asked, answer: httpx.Response) -> Iterator[str]:
    """A picture that is not read is named."""
    found = [kind for kind in PICTURES if f'"type": "{kind}"' in json.dumps(asked.body)]
    if found and IGNORED not in answer.headers:
        yield f"the {found[0]} that is not read is not named in {IGNORED}"


def _namespaces(address: str, asked: Asked, _answer: httpx.Response) -> Iterator[str]:
    """Tools of a namespace are called by both names."""
    offered = {
        (tool.get("name"), inner.get("name"))
        for tool in asked.body.get("tools") or []
        if isinstance(tool, dict) and tool.get("type") == "namespace"
        for inner in tool.get("tools", [])
    }
    if not offered:
        return
    reply = asked.changed(tool_choice="required", stream=False).send(address)
    items: Sequence[dict[str, Any]] = reply.json().get("output") or []
    calls = [item for item in items if item.get("type") == "function_call"]
    called = {(item.get("namespace"), item.get("name")) for item in calls}
    if not called or not called <= offered:
        yield f"called {called or reply.text[:_SHOWN]}, offered {offered}"
