"""Pages in a real browser: one on another port of this machine, and pages of foreign sites.

Each page sends its requests, posts what came of them to the server it came from, and is closed.
Foreign names lead to this machine by a rule of the browser's; nothing else is asked for them.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.conftest import PYTHON
from tests.clients.world import QUESTION, TOOL
from tests.support.server import Server, running

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 60
FRIEND, STRANGER = "friend.example", "stranger.example"
BODY = {
    "model": "demo",
    "messages": [{"role": "user", "content": QUESTION}],
    "tools": [TOOL],
    "temperature": 0,
    "stream": True,
}
# Tries of a page: a stream with a key, which is asked for by a preflight; the same reply whole; a
# form's kind of request, which browsers send unasked and whose answer no page may read.
PAGE = """<!doctype html><meta charset="utf-8"><script>
const server = SERVER, body = BODY;
const json = {"content-type": "application/json", "authorization": "Bearer none"};
async function read(path, options) {
  try {
    const reply = await fetch(server + path, options);
    const text = await reply.text();
    return {status: reply.status, text, ignored: reply.headers.get("x-gguf-fc-ignored")};
  } catch (error) { return {failed: String(error)}; }
}
async function main() {
  const asked = JSON.stringify({...body, cache_salt: "x"});
  const found = {
    streamed: await read("/v1/chat/completions", {method: "POST", headers: json, body: asked}),
    models: await read("/v1/models", {}),
    unasked: await read("/v1/chat/completions", {
      method: "POST", mode: "no-cors", headers: {"content-type": "text/plain"}, body: asked,
    }),
  };
  await fetch("/done", {method: "POST", body: JSON.stringify(found)});
}
main();
</script>"""

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="Chromium is not installed: apt-get install chromium"
)


@contextmanager
def site(server: Server) -> Iterator[tuple[int, queue.Queue[dict[str, Any]]]]:
    """A site of one page that asks *server*: its port, and what the page found."""
    found: queue.Queue[dict[str, Any]] = queue.Queue()
    page = PAGE.replace("SERVER", json.dumps(server.root)).replace("BODY", json.dumps(BODY))

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(page.encode())

        def do_POST(self) -> None:
            found.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        try:
            yield serving.server_port, found
        finally:
            serving.shutdown()
            thread.join(timeout=20)


def visited(server: Server, host: str, folder: Path) -> dict[str, Any]:
    """What a page of *host* found when it asked *server*."""
    assert BROWSER is not None
    with site(server) as (port, found):
        command = [
            BROWSER,
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update"),
            f"--user-data-dir={folder / host}",
            f"--host-resolver-rules=MAP *.example 127.0.0.1:{port}",
            f"http://{host}/" if host.endswith(".example") else f"http://{host}:{port}/",
        ]
        with (folder / f"{host}.txt").open("w") as log:
            browser = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            return found.get(timeout=SECONDS)
        finally:
            browser.terminate()
            browser.wait(timeout=20)


@pytest.fixture(scope="module")
def friendly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to which one foreign site may speak."""
    folder = tmp_path_factory.mktemp("friendly")
    with running(folder, "--allow-origin", f"http://{FRIEND}", python=PYTHON) as started:
        yield started


def requests_answered(server: Server) -> list[str]:
    """The lines of the metrics that count generated tokens."""
    lines = httpx.get(f"{server.root}/metrics").text.splitlines()
    return [line for line in lines if "token" in line and not line.startswith("#")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", FRIEND])
def test_a_page_of_this_machine_or_of_an_allowed_site_is_answered(
    friendly: Server, tmp_path: Path, host: str
) -> None:
    found = visited(friendly, host, tmp_path)
    assert found["models"]["status"] == 200
    streamed = found["streamed"]
    assert streamed["status"] == 200, streamed
    assert "get_weather" in streamed["text"]
    assert streamed["text"].endswith("data: [DONE]\n\n")
    assert streamed["ignored"] == "cache_salt"  # a header that the page has to be allowed to read


def test_a_page_of_a_foreign_site_reads_nothing_and_starts_nothing(
    friendly: Server, tmp_path: Path
) -> None:
    before = requests_answered(friendly)
    found = visited(friendly, STRANGER, tmp_path)
    assert set(found["streamed"]) == set(found["models"]) == {"failed"}
    assert not found["unasked"].get("text")
    assert before
    assert requests_answered(friendly) == before
