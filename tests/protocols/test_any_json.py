"""Any JSON value at any place of a body is read or refused: it never ends the reading otherwise."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from gguf_fc.errors import RequestError
from gguf_fc.models.models_yaml import Entry
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.request import read_chat
from gguf_fc.protocols.completions.request import read_text
from gguf_fc.protocols.messages.request import read_message
from gguf_fc.protocols.ollama.request import read_chat as read_ollama_chat
from gguf_fc.protocols.ollama.request import read_generate
from gguf_fc.protocols.responses.request import ResponsesReader
from gguf_fc.protocols.responses.store import ResponseStore
from gguf_fc.server.operations import OPERATIONS

OFFERED = {one.path: one for one in OPERATIONS if one.fields is not None}


def _never(_: Any) -> Any:
    raise AssertionError("reading a body loads no model")


POOL = Pool([Entry(alias="demo", source=Path("demo.gguf"))], plan=_never, make_worker=_never)
RESPONSES = ResponsesReader(POOL, ResponseStore(), lambda kind: f"{kind}_1")
# All that is read of a body before a model is asked for; elsewhere only its types are.
READERS: dict[str, Callable[[bytes], Any]] = {
    "/v1/chat/completions": lambda body: read_chat(body, POOL),
    "/v1/completions": lambda body: read_text(body, POOL),
    "/v1/messages": lambda body: read_message(body, POOL),
    "/v1/responses": RESPONSES.read,
    "/api/chat": lambda body: read_ollama_chat(body, POOL),
    "/api/generate": lambda body: read_generate(body, POOL),
}
ODD: tuple[Any, ...] = (None, True, -1, 0.5, "", "odd", [], [[]], [None], [{}], {}, {"type": {}})
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": "AA=="}
USE = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x"}]}
THOUGHT = {"type": "thinking", "thinking": "x", "signature": "x"}
ROLES = ("system", "user", "assistant", "tool")
# Histories with parts of every kind, beside the examples that operations have.
RICH: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "x"}, PICTURE]},
                {"role": "assistant", "content": "x", "tool_calls": [CALL], "reasoning": "x"},
                {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "x"}]},
                {"role": "user", "content": "x", "name": "x"},
            ],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "stream_options": {"include_usage": True},
        }
    ],
    "/v1/messages": [
        {
            "max_tokens": 5,
            "messages": [
                {"role": role, "content": [copy.deepcopy(block)]}
                for role in ROLES
                for block in (USE, RESULT, THOUGHT, {"type": "image", "source": SOURCE})
            ],
            "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
            "tool_choice": {"type": "tool", "name": "f"},
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        }
    ],
    "/v1/responses": [
        {
            "input": [
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": ""}],
                },
                {"type": "reasoning", "id": "x", "summary": [{"type": "summary_text", "text": ""}]},
                {"type": "function_call", "name": "f", "call_id": "a", "arguments": "{}"},
                {
                    "type": "function_call_output",
                    "call_id": "a",
                    "output": [{"type": "input_text"}],
                },
                {"type": "custom_tool_call", "name": "f", "call_id": "b", "input": ""},
            ],
            "tools": [
                {"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "f"}]}
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "custom", "name": "f", "namespace": "n"}],
            },
            "text": {"format": {"type": "json_schema", "name": "x", "schema": {}}},
            "reasoning": {"effort": "low", "summary": "auto"},
        }
    ],
    "/api/chat": [
        {
            "messages": [
                {"role": role, "content": "x", "tool_calls": [CALL], "images": ["AA=="]}
                for role in ROLES
            ],
            "options": {"num_ctx": 5, "stop": ["x"]},
            "format": {"type": "object"},
        }
    ],
}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every holder below *value*, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


@pytest.mark.parametrize("path", OFFERED)
def test_any_value_at_any_place_is_read_or_refused_as_a_request(path: str) -> None:
    fields = OFFERED[path].fields
    assert fields is not None
    read: Callable[[bytes], Any] = READERS.get(path) or fields.parse
    for example in (*OFFERED[path].examples.values(), *RICH.get(path, [])):
        body = {"model": "demo", **copy.deepcopy(example)}
        for holder, key in list(places(body)):
            kept = holder[key]
            for odd in ODD:
                holder[key] = odd
                with suppress(RequestError):
                    read(orjson.dumps(body))
            holder[key] = kept
