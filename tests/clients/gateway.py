"""A gateway between a client and the server, which holds replies closer than the client asks for.

The demo model is too weak for some of what clients ask: it never ends a string, it does not know
which keys an object needs, it does not copy Chinese, it calls nothing behind a long prompt.  What
is tested there is the way of a request and its reply, not the model; so the gateway adds what makes
the reply certain, in the words of the same protocol, and passes everything else on as it is.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

LONGEST = 24  # characters of a string
JOKE = {
    "type": "object",
    "properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}},
    "required": ["setup", "punchline"],
    "additionalProperties": False,
}
OF_ITS_OWN_LENGTH = {"const", "enum", "format", "maxLength", "pattern"}
Body = dict[str, Any]
Edit = Callable[[str, Body], Body]  # of a path and a body, to the body that is passed on
HOP_BY_HOP = {"connection", "content-length", "host", "transfer-encoding"}


def held_closer(path: str, body: Body) -> Body:
    """*body* with short strings, with a joke for any object, and on Ollama's path with a call."""
    if body.get("response_format") == {"type": "json_object"}:
        joke = {"name": "joke", "schema": JOKE, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": joke}
    if body.get("text", {}).get("format") == {"type": "json_object"}:
        joke = {"name": "joke", "schema": JOKE, "strict": True}
        body["text"]["format"] = {"type": "json_schema", **joke}
    if body.get("format") == "json":
        body["format"] = JOKE
    if path == "/api/chat" and body.get("tools"):
        body["tool_choice"] = "required"
    turns = body.get("messages") or body.get("input")
    quoted = re.findall(r"'(.+)'", json.dumps(turns[-1], ensure_ascii=False))
    for key in body.keys() - {"messages", "input"}:
        _shorten(body[key], quoted[0] if quoted else "")
    return body


def _shorten(schema: Any, quoted: str) -> None:
    """Hold every string that *schema* leaves open to *quoted*, or else to a length."""
    match schema:
        case {"type": "string", **rest} if not OF_ITS_OWN_LENGTH & rest.keys():
            schema.update({"enum": [quoted]} if quoted else {"maxLength": LONGEST})
        case dict():
            for value in schema.values():
                _shorten(value, quoted)
        case list():
            for value in schema:
                _shorten(value, quoted)


def _application(target: str, edit: Edit) -> Starlette:
    client = httpx.AsyncClient(base_url=target, timeout=60)

    async def forward(request: Request) -> StreamingResponse:
        path = request.url.path
        sent = await request.body()
        if sent:
            sent = json.dumps(edit(path, json.loads(sent))).encode()
        headers = {k: v for k, v in request.headers.items() if k not in HOP_BY_HOP}
        asked = client.build_request(request.method, path, content=sent, headers=headers)
        found = await client.send(asked, stream=True)
        kept = {k: v for k, v in found.headers.items() if k not in HOP_BY_HOP}
        return StreamingResponse(found.aiter_raw(), found.status_code, kept)

    return Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])])


@contextmanager
def gateway(target: str, edit: Edit = held_closer) -> Iterator[str]:
    """The base URL of a gateway to the server at *target*, both without ``/v1``."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(_application(target, edit), log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
