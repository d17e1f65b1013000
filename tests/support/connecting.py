"""A real server without a model, on real sockets, and requests that may be as odd as one likes.

``python -m tests.support.connecting serve ...`` is ``gguf-fc serve`` over a worker that generates
nothing.  ``python -m tests.support.connecting lan ...`` runs that in a network namespace that
shares a cable with another one, sends it the requests of its standard input, those to its address
on the cable from the other end, and prints what came back.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from gguf_fc import cli
from gguf_fc.commands import serve as commands
from gguf_fc.models.models_yaml import demo_entry
from tests.support.serving import Application

ROOT = Path(__file__).parent.parent.parent
LAN, LAN_6 = "10.77.0.5", "fd77::5"
HERE = (
    "link set lo up",
    "link add lan0 type veth peer name phone0",
    f"address add {LAN}/24 dev lan0",
    f"address add {LAN_6}/64 dev lan0 nodad",
    "link set lan0 up",
)
THERE = (
    "address add 10.77.0.9/24 dev phone0",
    "address add fd77::9/64 dev phone0 nodad",
    "link set phone0 up",
)
NAMESPACE = ("unshare", "--map-root-user", "--net")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to an address; headers are sent as they stand, and no other."""

    address: str
    headers: Sequence[tuple[str, str]] = ()
    method: str = "GET"
    target: str = "/v1/models"


@dataclass(slots=True)
class Running:
    """A running server."""

    process: subprocess.Popen[str]
    lines: list[str]
    errors: Path

    @property
    def url(self) -> str:
        return next(line.split()[1] for line in self.lines if line.startswith("url"))

    @property
    def port(self) -> int:
        return int(self.url.removesuffix("/v1").rpartition(":")[2])

    def ask(self, ask: Ask) -> Answer:
        """The answer to *ask* over HTTP."""
        return answer(http.client.HTTPConnection(ask.address, self.port, timeout=20), ask)


@dataclass(slots=True)
class UnixConnection(http.client.HTTPConnection):
    """A connection to a Unix socket."""

    path: Path
    sock: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        http.client.HTTPConnection.__init__(self, "localhost", timeout=20)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def answer(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    """The answer to *ask* over *connection*, which is closed."""
    try:
        connection.putrequest(ask.method, ask.target, skip_host=True, skip_accept_encoding=True)
        for name, value in ask.headers:
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read().decode())
    finally:
        connection.close()


def over_tls(port: int, certificate: Path, ask: Ask) -> Answer:
    """The answer to *ask* by a server that *certificate* proves."""
    context = ssl.create_default_context(cafile=str(certificate))
    return answer(http.client.HTTPSConnection("localhost", port, context=context, timeout=20), ask)


@contextmanager
def serving(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Running]:
    """The server with *arguments*, on any free port; ended with the context."""
    command = [sys.executable, "-W", "error", "-m", "tests.support.connecting", "serve"]
    errors = folder / "stderr.txt"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [*command, "--port", "0", *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        ) as process,
    ):
        try:
            yield Running(process, list(_start_lines(process)), errors)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _start_lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip("\n")
        if line.startswith("try"):
            return


@cache
def has_ipv6() -> bool:
    """This machine has the loopback address of IPv6; some containers do not."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@cache
def why_no_lan() -> str:
    """The reason why no network of one's own can be made here; empty if it can."""
    for program in ("unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            return f"there is no program '{program}'"
    made = " && ".join(f"ip {command}" for command in HERE)
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", made], capture_output=True, text=True, check=False, timeout=20
    )
    return done.stderr.strip() if done.returncode else ""


def on_lan(
    folder: Path, arguments: Sequence[str], asks: Sequence[Ask]
) -> tuple[list[str], list[Answer]]:
    """Start lines, and answers to *asks*, of a server in a network of its own."""
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-m", "tests.support.connecting", "lan", *arguments],
        input=json.dumps([asdict(ask) for ask in asks]),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    lines, answers = json.loads(done.stdout)
    return lines, [Answer(**one) for one in answers]


def _serve_on_lan(arguments: Sequence[str]) -> None:
    asks = [Ask(**one) for one in json.load(sys.stdin)]
    _configure(HERE)
    phone = subprocess.Popen(["unshare", "--net", "sleep", "600"])  # noqa: S607 - as installed
    inside = ("nsenter", "--net", "--target", str(phone.pid))
    try:
        while _network_of(phone.pid) == _network_of(os.getpid()):
            time.sleep(0.01)
        _configure([f"link set phone0 netns {phone.pid}"])
        _configure(THERE, inside)
        with serving(Path.cwd(), *arguments) as running:
            answers = _answers(inside, running, asks)
    finally:
        phone.kill()
        phone.wait()
    json.dump([running.lines, answers], sys.stdout)


def _configure(commands: Iterable[str], inside: Sequence[str] = ()) -> None:
    for command in commands:
        subprocess.run([*inside, "ip", *command.split()], check=True, timeout=20)


def _network_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _answers(inside: Sequence[str], running: Running, asks: Sequence[Ask]) -> list[dict[str, Any]]:
    """Answers to *asks*; those to the LAN come from the other machine."""
    far = [asdict(ask) for ask in asks if ask.address in {LAN, LAN_6}]
    command = [*inside, sys.executable, "-m", "tests.support.connecting", "ask", str(running.port)]
    done = subprocess.run(
        command, input=json.dumps(far), stdout=subprocess.PIPE, text=True, check=True
    )
    of_far = iter(json.loads(done.stdout))
    return [
        next(of_far) if ask.address in {LAN, LAN_6} else asdict(running.ask(ask)) for ask in asks
    ]


def _ask(port: int) -> None:
    asks = [Ask(**one) for one in json.load(sys.stdin)]
    connections = [http.client.HTTPConnection(ask.address, port, timeout=20) for ask in asks]
    json.dump([asdict(answer(*pair)) for pair in zip(connections, asks, strict=True)], sys.stdout)


def _serve(arguments: Sequence[str]) -> None:
    with patch.object(commands, "open_pool", lambda _settings: Application([demo_entry()]).pool):
        raise SystemExit(cli.main(["serve", *arguments]))


def main() -> None:
    """Do what the first argument says."""
    match sys.argv[1:]:
        case ["serve", *arguments]:
            _serve(arguments)
        case ["lan", *arguments]:
            _serve_on_lan(arguments)
        case ["ask", port]:
            _ask(int(port))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
