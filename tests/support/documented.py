"""Requests and replies as a page of ``docs/`` shows them, and how a real reply compares.

A request is a block of ``sh`` with one ``curl``; the block after it is the reply.  Ids, times,
counts and the model's words differ from run to run: there only the type is compared.  ``...`` is
what the page leaves out: at the end of a list or a text, within a stream, or a key of an object.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ADDRESS = "http://127.0.0.1:8080"
BLOCKS = re.compile(r"```sh\n(curl .*?)\n```\n\n```(json|)\n(.*?)\n```", re.DOTALL)
REST = "..."
# Values that differ from run to run, by their key.
VOLATILE = {
    *("id", "call_id", "first_id", "last_id", "digest", "size", "size_vram"),
    *("created", "created_at", "completed_at", "modified_at"),
    *("total_duration", "load_duration", "prompt_eval_duration", "eval_duration"),
    *("prompt_eval_count", "eval_count", "embedding", "embeddings", "modelfile"),
    *("text", "response", "content", "piece", "relevance_score"),
}
VOLATILE_INSIDE = {"usage", "timings", "cache"}


@dataclass(frozen=True)
class Exchange:
    """One request of a page, and the reply that the page shows."""

    method: str
    path: str
    body: Any
    line: str  # only lines that begin like this are shown; empty: all
    reply: str

    @property
    def name(self) -> str:
        """Its method and path."""
        return f"{self.method} {self.path}"

    def shown(self, text: str) -> str:
        """The part of *text* that the command prints."""
        return "\n".join(line for line in text.splitlines() if line.startswith(self.line))


def exchanges(page: str) -> tuple[Exchange, ...]:
    """Every request of *page*, in its order."""
    return tuple(_exchange(command, reply) for command, _, reply in BLOCKS.findall(page))


def _exchange(command: str, reply: str) -> Exchange:
    words = iter(shlex.split(command))
    found: dict[str, Any] = {"method": "GET", "body": None, "line": ""}
    for word in words:
        match word:
            case "-X":
                found["method"] = next(words)
            case "--json":
                found["body"] = json.loads(next(words))
                found["method"] = "POST"
            case "grep":
                found["line"] = next(words).removeprefix("^")
            case "curl" | "-s" | "-sN" | "|":
                pass
            case _:
                assert word.startswith(ADDRESS), word
                found["path"] = word.removeprefix(ADDRESS)
    return Exchange(**found, reply=reply)


def differences(shown: str, real: str) -> list[str]:
    """Places where *real* is not what the page has *shown*, each with its path."""
    if shown.startswith("{"):
        return list(_unlike(json.loads(shown), json.loads(real), ""))
    lines, given = _lines(shown), _lines(real)
    if REST in lines:
        at = lines.index(REST)
        behind = len(lines) - at - 1
        given = [*given[:at], REST, *given[len(given) - behind :]]
    if len(lines) != len(given):
        return [f"{len(given)} lines, not {len(lines)}"]
    return [
        found
        for n, (one, other) in enumerate(zip(lines, given, strict=True), 1)
        for found in _unlike(_read(one), _read(other), f"line {n}: ")
    ]


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def _read(line: str) -> Any:
    """The data of an event, or the line as it is."""
    data = line.removeprefix("data: ")
    return json.loads(data) if data.startswith("{") else line


def _unlike(shown: Any, real: Any, path: str) -> Iterator[str]:
    if shown == REST:
        return
    key = path.rpartition(".")[2].partition("[")[0]
    loose = key in VOLATILE or any(part in VOLATILE_INSIDE for part in re.split(r"[.\[]", path))
    if isinstance(shown, dict) and isinstance(real, dict):
        missing = shown.keys() - real.keys() - {REST}
        added = set() if REST in shown else real.keys() - shown.keys()
        if missing or added:
            yield f"{path}: without {sorted(missing)}, with {sorted(added)}"
        for name in shown.keys() & real.keys():
            yield from _unlike(shown[name], real[name], f"{path}.{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        cut = shown[-1:] == [REST]
        if len(real) != len(shown) and not cut:
            yield f"{path}: {len(real)} items, not {len(shown)}"
        for n, (one, other) in enumerate(zip(shown, real, strict=False)):
            yield from _unlike(one, other, f"{path}[{n}]")
    elif not (_type(shown) == _type(real) if loose else _equal(shown, real)):
        yield f"{path}: {real!r}, not {shown!r}"


def _equal(shown: Any, real: Any) -> bool:
    if isinstance(shown, str) and isinstance(real, str) and shown.endswith(REST):
        return real.startswith(shown.removesuffix(REST))
    return bool(_type(shown) == _type(real) and shown == real)


def _type(value: Any) -> type:
    return float if type(value) is int else type(value)
