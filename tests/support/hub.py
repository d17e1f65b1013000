"""A stand-in Hub on loopback: the part of its HTTP interface that fetching a model needs."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/revision/.+)?")
_RESOLVE = re.compile(r"(?:/cdn)?/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")


@dataclass(slots=True)
class FakeHub:
    """What it has, how it misbehaves, what it was asked."""

    url: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)  # repo -> status, error code
    redirects: bool = False  # files lie on another host, as large ones do, with Xet beside it
    break_after: int | None = None  # bytes of a file, after which connections are cut
    stall_after: int | None = None  # bytes of a file, after which nothing more is sent
    released: threading.Event = field(default_factory=threading.Event)  # ends a stall
    requests: list[str] = field(default_factory=list)  # "METHOD path [range]"

    def sent_ranges(self) -> list[str]:
        """Of the downloads: which part was asked for."""
        return [
            line.split()[-1] for line in self.requests if line.startswith(("GET /own", "GET /cdn"))
        ]


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """A Hub on a free port."""
    hub = FakeHub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        asked = self.headers.get("Range", "all")
        self.hub.requests.append(f"{self.command} {self.path} {asked}")
        path = self.path.partition("?")[0]
        found = _INFO.fullmatch(path) or _RESOLVE.fullmatch(path)
        repo = found["repo"] if found else ""
        if repo in self.hub.refusals:
            self._refuse(*self.hub.refusals[repo])
        elif found is None or repo not in self.hub.repos:
            self._refuse(404, "RepoNotFound")
        elif "file" not in found.groupdict():
            self._info(repo)
        elif found["file"] not in self.hub.repos[repo]:
            self._refuse(404, "EntryNotFound")
        elif self.hub.redirects and not path.startswith("/cdn/"):
            self._redirect(self.hub.repos[repo][found["file"]])
        else:
            self._file(self.hub.repos[repo][found["file"]], body=body)

    def _redirect(self, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        headers = {
            "Location": f"{self.hub.url.replace('127.0.0.1', 'localhost')}/cdn{self.path}",
            "X-Linked-Etag": f'"{digest}"',
            "X-Linked-Size": f"{len(content)}",
            "X-Xet-Hash": digest,
            "X-Xet-Refresh-Route": f"{self.hub.url}/xet",
        }
        self._head(302, 0, headers)

    def _info(self, repo: str) -> None:
        siblings = [{"rfilename": name} for name in self.hub.repos[repo]]
        content = json.dumps({"id": repo, "sha": COMMIT, "siblings": siblings}).encode()
        self._head(200, len(content), {"Content-Type": "application/json"})
        self.wfile.write(content)

    def _file(self, content: bytes, *, body: bool) -> None:
        range_ = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(range_[1]) if range_ else 0
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if range_:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if range_ else 200, len(content) - start, headers)
        if body:
            limit = self.hub.break_after or self.hub.stall_after or len(content)
            self.wfile.write(content[start : start + limit])
            self.close_connection = start + limit < len(content)
            if self.hub.stall_after:
                self.wfile.flush()
                self.hub.released.wait(30)

    def _refuse(self, status: int, code: str) -> None:
        self._head(status, 0, {"X-Error-Code": code, "X-Error-Message": f"{code} in words"})

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(HTTPStatus(status))
        for name, value in {**headers, "X-Repo-Commit": COMMIT}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
