"""Another server with the same protocol, scripted: it calls where a call is required, or talks.

What it does wrong, if anything, is its *fault*.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Json = dict[str, Any]
Fault = Literal[
    "", "status", "error", "cut", "no usage", "no call", "half a call", "no models", "forgets"
]
WORDS = 4  # a free reply's pieces, unless fewer are asked for


@dataclass(slots=True)
class Foreign:
    """A running server and the bodies it was sent."""

    url: str
    bodies: list[Json] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64  # many streams begin at once


@contextmanager
def foreign(fault: Fault = "") -> Iterator[Foreign]:
    """A scripted server on a free port."""
    bodies: list[Json] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            data = [] if fault == "no models" else [{"id": "the-model"}]
            self._answer(200, json.dumps({"object": "list", "data": data}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            bodies.append(body)
            if fault == "status":
                self._answer(503, b'{"error": {"message": "loading"}}')
                return
            cached = known(bodies, fault)
            frames = (f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(body, fault, cached))
            self._answer(200, f"{''.join(frames)}data: [DONE]\n\n".encode())

        def _answer(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Foreign(f"http://127.0.0.1:{server.server_port}/v1", bodies)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def known(bodies: list[Json], fault: Fault) -> int:
    """How many tokens of the last prompt are in the cache: the prompt and reply before it.

    A call that was cut off is not in the next prompt.
    """
    if fault == "forgets" or len(bodies) == 1:
        return 0
    before = bodies[-2]
    return _prompt(before) + (0 if fault == "half a call" and _calls(before, fault) else WORDS)


def _prompt(body: Json) -> int:
    return sum(len(str(message)) for message in body["messages"])


def _calls(body: Json, fault: Fault) -> bool:
    return body.get("tool_choice") == "required" and fault != "no call"


def chunks(body: Json, fault: Fault, cached: int = 0) -> Iterator[Json]:
    """The reply to *body*, as chunks."""
    calls = _calls(body, fault)
    yield _chunk({"role": "assistant", "content": None})
    yield from _call(body, fault) if calls else _talk(body)
    if fault == "error":
        yield {"error": {"message": "out of order"}}
    if fault == "cut":
        return
    yield _chunk({}, "tool_calls" if calls else "stop")
    if fault != "no usage":
        details = {"cached_tokens": cached}
        usage = {"prompt_tokens": _prompt(body), "completion_tokens": WORDS}
        yield {"choices": [], "usage": {**usage, "prompt_tokens_details": details}}


def _call(body: Json, fault: Fault) -> Iterator[Json]:
    name = body["tools"][0]["function"]["name"]
    start = {"index": 0, "id": "call-1", "type": "function"}
    yield _chunk({"tool_calls": [{**start, "function": {"name": name, "arguments": ""}}]})
    for piece in ('{"to": ', '"x"}')[: 1 if fault == "half a call" else None]:
        yield _chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})


def _talk(body: Json) -> Iterator[Json]:
    for number in range(min(WORDS, body.get("max_tokens", WORDS))):
        yield _chunk({"content": f"word{number} "})


def _chunk(delta: Json, finish: str | None = None) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
