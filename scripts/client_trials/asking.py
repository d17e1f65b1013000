"""Requests of a case, however it writes them: as objects, as lines, or as ``curl`` commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

Case = dict[str, Any]
SECONDS = 120
USER = {"role": "user", "content": "hi"}
# A small body for a path of which a case says no more than its name.
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": [USER], "max_tokens": 4},
    "/v1/completions": {"prompt": "hi", "max_tokens": 4},
    "/v1/messages": {"messages": [USER], "max_tokens": 4},
    "/v1/responses": {"input": "hi", "max_output_tokens": 4},
    "/v1/embeddings": {"input": "hi"},
    "/api/chat": {"messages": [USER], "stream": False, "options": {"num_predict": 4}},
    "/api/generate": {"prompt": "hi", "stream": False, "options": {"num_predict": 4}},
    "/api/embed": {"input": "hi"},
    "/api/show": {},
}
_LINE = re.compile(
    r"(?P<method>GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) (?P<path>/\S*)"
    r"(?: model=(?P<model>\S+))?(?: with (?P<header>[\w-]+): (?P<value>\S+))?"
    r"(?: \(also (?P<also>[^)]*)\))?(?: -> (?P<status>\d{3}))?"
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request; *text* is its body as it is sent."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    status: int | None = None  # that the case itself gives it

    @property
    def body(self) -> dict[str, Any]:
        """The body as an object; empty if it is none."""
        try:
            found = json.loads(self.text or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def send(self, address: str) -> httpx.Response:
        """The answer of the server at *address*."""
        headers = {"content-type": "application/json"} if self.text is not None else {}
        return httpx.request(
            self.method,
            address + self.path,
            headers=headers | self.headers,
            content=self.text,
            timeout=SECONDS,
        )

    def changed(self, **fields: Any) -> Asked:
        """The same request with other *fields* in its body."""
        return replace(self, text=json.dumps({**self.body, **fields}))


def requests_of(case: Case) -> list[Asked]:
    """Every request of *case*; none where it tells them in prose."""
    given = case.get("request", case.get("requests", case.get("steps", ())))
    entries = given if isinstance(given, list) else [given]
    return [asked for entry in entries for asked in _read(entry)]


def _read(entry: Any) -> Iterator[Asked]:
    if isinstance(entry, dict) and "path" in entry:
        text = entry.get("raw_body")
        if text is None and "body" in entry:
            text = json.dumps(entry["body"])
        method = entry.get("method", "GET" if text is None else "POST")
        headers, status = entry.get("headers", {}), entry.get("status")
        yield Asked(method=method, path=entry["path"], headers=headers, text=text, status=status)
    elif isinstance(entry, str) and entry.startswith("curl "):
        yield _of_curl(entry)
    elif isinstance(entry, str):
        for found in _LINE.finditer(entry):
            yield from _of_line(found)


def _of_line(found: re.Match[str]) -> Iterator[Asked]:
    headers = {found["header"]: found["value"]} if found["header"] else {}
    status = int(found["status"]) if found["status"] else None
    for path in (found["path"], *re.findall(r"/[\w/.-]+", found["also"] or "")):
        body = BODIES.get(path, {}) | ({"model": found["model"]} if found["model"] else {})
        text = json.dumps(body) if found["method"] in {"POST", "PUT", "PATCH"} else None
        yield Asked(method=found["method"], path=path, headers=headers, text=text, status=status)


def _of_curl(line: str) -> Asked:
    """The request of a command; what stands behind it, between brackets, is for people."""
    words = iter(shlex.split(line.partition("   (")[0]))
    method, headers, url, text = "", {}, "", None
    for word in words:
        match word:
            case "-X" | "--request":
                method = next(words)
            case "-H" | "--header":
                name, _, value = next(words).partition(":")
                headers[name] = value.strip()
            case "-d" | "--data" | "--data-raw" | "--json":
                text = next(words)
            case _ if word.startswith("http"):
                url = word
            case _:
                pass
    host, _, path = url.partition("://")[2].partition("/")
    headers.setdefault("Host", host)
    return Asked(
        method=method or ("GET" if text is None else "POST"),
        path=f"/{path}",
        headers=headers,
        text=text,
    )
