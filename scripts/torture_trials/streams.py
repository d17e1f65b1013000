"""Clients that read streams without end, and judge whether each reply is whole and exact."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Any

import httpx

ITEMS = 300  # of a structured answer; one more or less would show a token lost or doubled
NUMBERS = {
    "type": "array",
    "items": {"enum": [1, 2]},
    "minItems": ITEMS,
    "maxItems": ITEMS,
}
TOOL = {
    "type": "function",
    "function": {
        "name": "note",
        "parameters": {
            "type": "object",
            "properties": {"numbers": NUMBERS, "text": {"type": "string", "maxLength": 40}},
            "required": ["numbers", "text"],
        },
    },
}
BODY = {"model": "demo", "stream": True, "messages": [{"role": "user", "content": "Go on."}]}
# Each with its own seed, sampled: a reply that is begun anew would differ.
KINDS: dict[str, dict[str, Any]] = {
    "text": {"max_tokens": 400, "temperature": 1.2},
    "structured": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": NUMBERS}}
    },
    "call": {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
}
TIMEOUT = httpx.Timeout(120)


@dataclass(slots=True)
class Seen:
    """All that the clients saw."""

    replies: int = 0
    faults: list[str] = field(default_factory=list)
    pieces: dict[int, list[float]] = field(default_factory=dict)  # times, by client


async def read_for_ever(client: int, url: str, seen: Seen, stopped: Callable[[], bool]) -> None:
    """Read one reply after another until *stopped*, and judge each."""
    kinds = list(KINDS)
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        for n in count(client):
            if stopped():
                return
            kind = kinds[n % len(kinds)]
            body = {**BODY, **KINDS[kind], "seed": n}
            try:
                fault = judged(
                    kind, await read(http, f"{url}/chat/completions", body, client, seen)
                )
            except (httpx.HTTPError, ValueError, KeyError, IndexError) as error:
                fault = f"{type(error).__name__}: {error}"
            seen.replies += 1
            if fault:
                seen.faults.append(f"{kind}: {fault}")


async def read(
    http: httpx.AsyncClient, url: str, body: dict[str, Any], client: int, seen: Seen
) -> list[dict[str, Any]]:
    """Chunks of a streamed reply.  Raises ValueError where it has no regular end."""
    chunks: list[dict[str, Any]] = []
    times = seen.pieces.setdefault(client, [])
    async with http.stream("POST", url, json=body) as response:
        if response.status_code != httpx.codes.OK:
            raise ValueError(f"{response.status_code} {(await response.aread())[:200]!r}")
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            times.append(time.monotonic())
            if line == "data: [DONE]":
                return chunks
            chunk = json.loads(line.removeprefix("data: "))
            if "error" in chunk:
                raise ValueError(chunk["error"]["message"])
            chunks.append(chunk)
    raise ValueError("the stream just stopped")


def judged(kind: str, chunks: list[dict[str, Any]]) -> str:
    """Fault of a reply of that *kind*; empty if there is none."""
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    deltas = [choice["delta"] for choice in choices]
    text = "".join(delta.get("content") or "" for delta in deltas)
    if kind == "text":
        return "" if choices[-1]["finish_reason"] in ("stop", "length") else "no end"
    if kind == "structured":
        return _counted(json.loads(text))
    calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    arguments = json.loads("".join(call["function"].get("arguments") or "" for call in calls))
    if set(arguments) != {"numbers", "text"}:
        return f"arguments {sorted(arguments)}"
    return _counted(arguments["numbers"])


def _counted(numbers: list[int]) -> str:
    if len(numbers) != ITEMS or not set(numbers) <= {1, 2}:
        return f"{len(numbers)} items instead of {ITEMS}"
    return ""


def longest_gap(times: list[float], since: float, until: float) -> float:
    """Longest time without a piece between *since* and *until*, seconds."""
    inside = [since, *(at for at in times if since < at < until), until]
    return max(after - before for before, after in pairwise(inside))
