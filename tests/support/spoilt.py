"""Conversations of every protocol that somebody has spoilt: anything may stand anywhere.

A conversation is as its protocol has it, then damaged in several places by what other clients and
servers write there.  The user's newest message stays whole, and so do the texts of the others: a
text may be wrapped, but never replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from hypothesis import strategies as st

Json = dict[str, Any]
LAST = "lastword"

_PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
JUNK: tuple[Any, ...] = (
    *(None, {}, [], 7, 0.5, True, "", [None], [[]], {"a": None}, "x"),
    _PICTURE,
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
    {"type": "input_image", "image_url": "data:,"},
    {"type": "document", "source": {"type": "url", "url": "https://x"}},
    {"type": "input_audio", "input_audio": {"data": "AA=="}},
    {"type": "text"},
    {"type": "text", "text": None},
    {"type": 5, "text": 5},
    {"text": "loose"},
    {"type": "thinking", "thinking": "hm", "signature": None},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "tool_use", "id": 5, "name": None, "input": "x"},
    {"type": "tool-call", "toolCallId": "a", "toolName": "f", "args": {}},
    {"type": "tool_result", "tool_use_id": None, "content": [_PICTURE, {"a": 1}]},
    {"type": "function_call", "name": 5, "arguments": {"a": None}, "call_id": 5},
    {"type": "function_call_output", "call_id": "nobody", "output": {"a": 1}},
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    {"type": "local_shell_call", "action": {"type": "exec"}},
    {"type": "wizardry", "wand": 1},
    {"type": "reasoning", "summary": None, "content": {"text": "hm"}},
    {"role": "ipython", "content": "out"},
    {"role": "model", "content": [None, 5, "said"]},
    {"role": "critic", "content": {"parts": ["x"]}},
    {"role": "user", "content": None, "tool_calls": {}},
    {"role": "assistant", "tool_calls": [{"name": "f", "args": "{"}], "function_call": {}},
    {"name": "f", "arguments": "{}"},
    {"id": 5, "function": "f", "arguments": "run"},
)
KEYS = (
    *("role", "type", "content", "text", "name", "id", "tool_calls", "function_call", "refusal"),
    *("reasoning", "reasoning_content", "thinking", "tool_call_id", "call_id", "tool_use_id"),
    *("arguments", "input", "output", "summary", "status", "images", "signature", "is_error"),
    *("tool_name", "annotations", "logprobs", "namespace", "phase", "source", "function"),
)
ROLES = ("model", "ai", "human", "ipython", "function", "developer", "critic", "Tool", "USER")


def chat() -> list[Json]:
    """A conversation of chat completions."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    return [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "word0q"},
        {"role": "assistant", "content": "let me see", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "word1q"},
        {"role": "assistant", "content": [{"type": "text", "text": "so"}], "reasoning": "hm"},
        {"role": "user", "content": [{"type": "text", "text": "word2q"}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "word3q"},
        {"role": "assistant", "content": "well"},
        {"role": "user", "content": LAST},
    ]


def messages() -> list[Json]:
    """A conversation of Messages."""
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "word1q"}
    texts = [{"type": "text", "text": "word4q"}]
    return [
        {"role": "user", "content": "word0q"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "see"}, call]},
        {"role": "user", "content": [result, {"type": "text", "text": "word2q"}]},
        {"role": "assistant", "content": [call | {"id": "b"}]},
        {"role": "user", "content": [result | {"tool_use_id": "b", "content": texts}]},
        {"role": "system", "content": "note"},
        {"role": "assistant", "content": "well"},
        {"role": "user", "content": LAST},
    ]


def responses() -> list[Json]:
    """A conversation of Responses."""
    said = {"type": "output_text", "text": "so", "annotations": [], "logprobs": []}
    return [
        {"type": "message", "role": "developer", "content": "rules"},
        {"role": "user", "content": [{"type": "input_text", "text": "word0q"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": '{"x": 1}'},
        {"type": "function_call_output", "call_id": "a", "output": "word1q"},
        {"type": "custom_tool_call", "call_id": "b", "name": "g", "input": "ls"},
        {
            "type": "custom_tool_call_output",
            "call_id": "b",
            "output": [{"type": "input_text", "text": "word2q"}],
        },
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [said],
        },
        {"role": "user", "content": "word3q"},
        {"role": "assistant", "content": "well"},
        {"role": "user", "content": LAST},
    ]


def ollama() -> list[Json]:
    """A conversation of Ollama's chat."""
    call = {"function": {"name": "f", "arguments": {"x": 1}}}
    return [
        {"role": "system", "content": "rules"},
        {"role": "user", "content": "word0q", "images": []},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_name": "f", "content": "word1q"},
        {"role": "assistant", "content": "well"},
        {"role": "user", "content": LAST},
    ]


def spoilt(conversation: Callable[[], list[Json]]) -> st.SearchStrategy[list[Any]]:
    """*conversation*, damaged in its history; every text with a word stays."""
    *history, last = conversation()
    return damaged(history).map(lambda spoilt: [*spoilt, last])


@st.composite
def damaged(draw: st.DrawFn, conversation: list[Any]) -> list[Any]:
    """*conversation*, damaged anywhere, its newest message included."""
    found: list[Any] = orjson.loads(orjson.dumps(conversation))
    for _ in range(draw(st.integers(1, 5))):
        holder, key = draw(st.sampled_from(_places(found)))
        _damage(draw, holder, key)
    return found


def words_in(value: Any) -> set[str]:
    """The words that *value* still has, wherever they stand."""
    match value:
        case str():
            return {value} if value.startswith("word") else set()
        case dict():
            return {word for inner in value.values() for word in words_in(inner)}
        case list():
            return {word for inner in value for word in words_in(inner)}
        case _:
            return set()


def _damage(draw: st.DrawFn, holder: Any, key: Any) -> None:
    value = holder[key]
    junk = orjson.loads(orjson.dumps(draw(st.sampled_from(JUNK))))
    match draw(st.sampled_from(["replace", "insert", "add", "drop", "wrap", "role", "repeat"])):
        case "replace" if key == "type" and isinstance(junk, str) and words_in(holder):
            pass  # it would be another server's, which is passed over
        case "replace" if not words_in(value):
            holder[key] = junk
        case "drop" if isinstance(holder, dict) and not words_in(value):
            del holder[key]
        case "insert" if isinstance(value, list):
            value.insert(draw(st.integers(0, len(value))), junk)
        case "add" if isinstance(value, dict):
            name = draw(st.sampled_from(KEYS))
            if not words_in(value.get(name)) and not (name == "type" and isinstance(junk, str)):
                value[name] = junk
        case "wrap" if isinstance(value, str) and key in ("content", "output"):
            holder[key] = draw(
                st.sampled_from(
                    [[value], [{"text": value}], {"type": "text", "text": value}, [junk, value]]
                )
            )
        case "role" if isinstance(value, dict) and "role" in value:
            value["role"] = draw(st.sampled_from(ROLES))
        case "repeat" if isinstance(holder, list):
            holder.insert(key, orjson.loads(orjson.dumps(value)))
        case _:
            pass


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container within *value*, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    return [(value, key) for key in keys] + [
        place
        for key in keys
        if isinstance(value[key], dict | list)
        for place in _places(value[key])
    ]
