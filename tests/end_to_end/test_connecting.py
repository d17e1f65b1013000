"""Who may connect: the matrix of sockets, hosts, pages and keys, on real sockets.

The server runs without a model; what is asked of it is whether it lets one in.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from tests.support.connecting import (
    LAN,
    LAN_6,
    Ask,
    Running,
    UnixConnection,
    answer,
    has_ipv6,
    on_lan,
    over_tls,
    serving,
    why_no_lan,
)
from tests.support.scrape import samples_of
from tests.support.server import QUIET, running

ALICE = ("authorization", "Bearer sk-alice-0123456789")
KEY = {"GGUF_FC_API_KEY": "alice sk-alice-0123456789, sk-bob"}
EVIL = ("origin", "https://evil.example")
LOCAL_PAGE = ("origin", "http://localhost:3000")
CROSS = ("sec-fetch-site", "cross-site")
LINK = ("sec-fetch-mode", "navigate")

Row = tuple[str, str, Sequence[tuple[str, str]], int]  # address, Host, further headers, status


def asks(rows: Sequence[Row]) -> list[Ask]:
    return [Ask(address, [("host", host), *more]) for address, host, more, _ in rows]


def expected(rows: Sequence[Row]) -> list[tuple[str, str, int]]:
    return [(address, host, status) for address, host, _, status in rows]


# Loopback

FAMILIES = [
    # listened on, addresses that answer, addresses that do not
    ("127.0.0.1", ["127.0.0.1"], ["::1", "127.0.0.2"]),
    ("127.0.0.2", ["127.0.0.2"], ["127.0.0.1", "::1"]),
    ("::1", ["::1"], ["127.0.0.1"]),
    ("[::1]", ["::1"], ["127.0.0.1"]),
    ("localhost", ["127.0.0.1", "::1"], ["127.0.0.2"]),
]


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "answered", "closed"),
    [pytest.param(*row, marks=needs_ipv6) if "::1" in row[1] else row for row in FAMILIES],
)
def test_a_host_is_listened_on_in_its_families(
    host: str, answered: list[str], closed: list[str], tmp_path: Path
) -> None:
    with serving(tmp_path, "--host", host) as server:
        for address in answered:
            name = f"[{address}]" if ":" in address else address
            assert server.ask(Ask(address, [("host", f"{name}:{server.port}")])).status == 200
        for address in closed:
            with pytest.raises(OSError, match=r"refused|Cannot assign"):
                server.ask(Ask(address, [("host", "localhost")]))
        assert not [line for line in server.lines if line.startswith(("network", "warning"))]
    assert server.errors.read_text() == ""


ON_LOOPBACK: list[Row] = [
    ("127.0.0.1", "localhost:8080", [], 200),
    ("127.0.0.1", "LOCALHOST.", [], 200),
    ("127.0.0.1", "127.0.0.1", [], 200),
    ("127.0.0.1", "[::1]:8080", [], 200),
    ("::1", "[::1]", [], 200),
    ("::1", "localhost", [], 200),
    ("::1", "127.0.0.1:1", [], 200),
    ("127.0.0.1", "evil.example", [], 403),
    ("127.0.0.1", "evil.com@localhost", [], 403),
    ("127.0.0.1", "localhost/..", [], 403),
    ("127.0.0.1", "localhost:8080@evil.example", [], 403),
    ("127.0.0.1", "[::ffff:127.0.0.1]", [], 403),
    ("127.0.0.1", "[::1%25lo]", [], 403),
    ("127.0.0.1", "2130706433", [], 403),
    ("127.0.0.1", "0.0.0.0:8080", [], 403),
    ("127.0.0.1", "localhost:99999", [], 403),
    ("127.0.0.1", "", [], 403),
    ("127.0.0.1", "localhost, evil.example", [], 403),
    ("127.0.0.1", "host.docker.internal:8080", [], 403),
    ("127.0.0.1", "evil.example", [("x-forwarded-host", "localhost")], 403),
    ("127.0.0.1", "localhost", [("host", "evil.example")], 400),
    ("127.0.0.1", "localhost", [LOCAL_PAGE, CROSS], 200),
    ("127.0.0.1", "localhost", [EVIL], 403),
    ("127.0.0.1", "localhost", [("origin", "null")], 403),
    ("127.0.0.1", "localhost", [CROSS], 403),
    ("127.0.0.1", "localhost", [CROSS, LINK], 200),
    ("127.0.0.1", "evil.example", [("origin", "http://evil.example")], 403),
]


def test_without_a_key_programs_and_pages_of_this_machine_are_served(tmp_path: Path) -> None:
    rows = [row for row in ON_LOOPBACK if has_ipv6() or row[0] != "::1"]
    with serving(tmp_path, "--host", "localhost") as server:
        found = [server.ask(ask).status for ask in asks(rows)]
        targets = [
            Ask("127.0.0.1", [("host", "localhost")], target=target)
            for target in ("http://evil.example/v1/models", "evil.example:80", "*")
        ]
        odd = [server.ask(ask).status for ask in targets]
    assert list(zip(expected(rows), found, strict=True)) == [
        (row, row[2]) for row in expected(rows)
    ]
    assert odd == [400, 400, 404]


def test_an_offer_of_another_protocol_is_passed_over_in_silence(tmp_path: Path) -> None:
    offers = [
        [("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMA")],
        [("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")],
    ]
    with serving(tmp_path) as server:
        for offer in offers:
            assert server.ask(Ask("127.0.0.1", [("host", "localhost"), *offer])).status == 200
    assert server.errors.read_text() == ""


def test_names_and_pages_can_be_allowed(tmp_path: Path) -> None:
    allowed = ("--allow-host", "box.lan", "--allow-host", "*.ts.net", "--allow-origin")
    with serving(tmp_path, *allowed, "app://obsidian.md") as server:

        def status(host: str, *more: tuple[str, str]) -> int:
            return server.ask(Ask("127.0.0.1", [("host", host), *more])).status

        assert [status("box.lan:1"), status("a.b.ts.net"), status("localhost")] == [200] * 3
        assert [status("ts.net"), status("x.box.lan")] == [403] * 2
        assert status("box.lan", ("origin", "app://obsidian.md")) == 200
        assert status("box.lan", ("origin", "http://box.lan")) == 200
        assert status("box.lan", ("origin", "app://other.md")) == 403


def test_a_page_can_read_that_the_server_failed_and_the_log_says_it_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:  # its worker fails when it is surveyed
        headers = [("host", "localhost"), LOCAL_PAGE]
        failed = server.ask(Ask("127.0.0.1", headers, target="/metrics"))
    assert (failed.status, failed.json["error"]["code"]) == (500, "internal_error")
    assert failed.headers["access-control-allow-origin"] == LOCAL_PAGE[1]
    assert server.errors.read_text().count("Traceback") == 1


# Other machines

needs_lan = pytest.mark.skipif(bool(why_no_lan()), reason=f"no network here: {why_no_lan()}")

KEYED: list[Row] = [
    (LAN, "10.77.0.5:8080", [ALICE], 200),
    (LAN, "10.77.0.5", [("x-api-key", "sk-bob")], 200),
    (LAN, "10.77.0.5", [("api-key", "sk-bob")], 200),
    (LAN_6, "[fd77::5]:8080", [ALICE], 200),
    (LAN, "host.docker.internal", [ALICE], 200),
    (LAN, "gguf-fc:8080", [ALICE], 200),
    (LAN, "localhost", [ALICE], 200),
    ("127.0.0.1", "localhost", [ALICE], 200),
    (LAN, "10.77.0.5", [], 401),
    (LAN, "localhost", [], 401),
    (LAN, "evil.example", [], 401),
    ("127.0.0.1", "localhost", [], 401),
    ("::1", "localhost", [("x-api-key", "sk-bo")], 401),
    (LAN, "evil.com@localhost", [ALICE], 403),
    (LAN, "10.77.0.5", [ALICE, EVIL], 403),
    (LAN, "10.77.0.5:8080", [ALICE, ("origin", "http://10.77.0.5:8080")], 200),
    (LAN, "10.77.0.5:8080", [("origin", "http://10.77.0.5:8080")], 401),
    (LAN, "10.77.0.5", [ALICE, LOCAL_PAGE], 200),
]
UNKEYED: list[Row] = [
    (LAN, "10.77.0.5:8080", [], 200),
    (LAN_6, "[fd77::5]:8080", [], 200),
    (LAN_6, "[fd77:0:0::5]", [], 200),
    (LAN, "host.docker.internal:8080", [], 200),
    (LAN, socket.gethostname(), [], 200),
    (LAN, "localhost", [], 403),
    (LAN, "127.0.0.1", [], 403),
    (LAN_6, "[::1]", [], 403),
    (LAN, "evil.example", [], 403),
    (LAN, "10.77.0.9", [], 403),
    (LAN, "[::ffff:10.77.0.5]", [], 403),
    (LAN, "10.77.0.5", [EVIL], 403),
    (LAN, "10.77.0.5", [("origin", "http://10.77.0.5")], 200),
    ("127.0.0.1", "localhost", [], 200),
    ("127.0.0.1", "evil.example", [], 403),
    ("::1", "[::1]:8080", [], 200),
]
NARROWED: list[Row] = [
    (LAN, "box.lan", [ALICE], 200),
    (LAN, "box.lan", [], 401),
    (LAN, "10.77.0.5", [ALICE], 403),
    (LAN, "localhost", [ALICE], 403),
    ("127.0.0.1", "localhost", [ALICE], 200),
]


def judged(folder: Path, rows: Sequence[Row], *arguments: str) -> list[str]:
    """Start lines of a server in a network of its own, which answers *rows* as they say."""
    (folder / "keys").write_text("# two\nalice sk-alice-0123456789\nbob sk-bob # phone\n")
    (folder / "keys").chmod(0o600)
    lines, answers = on_lan(folder, arguments, asks(rows))
    found = [one.status for one in answers]
    assert list(zip(expected(rows), found, strict=True)) == [
        (row, row[2]) for row in expected(rows)
    ]
    return lines


def urls(lines: Sequence[str]) -> list[str]:
    """Addresses that the start lines name, by what they are for."""
    words = [line.split()[:2] for line in lines if line.startswith(("network", "container", "url"))]
    return [f"{kind} {url.rpartition(':')[0]}" for kind, url in words]


@needs_lan
def test_with_a_key_any_name_is_served_in_both_families(tmp_path: Path) -> None:
    lines = judged(tmp_path, KEYED, "--host", "::", "--api-key-file", "keys")
    assert urls(lines) == [
        "network http://10.77.0.5",
        "network http://[fd77::5]",
        "container http://host.docker.internal",
        "url http://127.0.0.1",
    ]
    assert "keys      alice, bob: each request needs one of theirs" in lines
    assert not [line for line in lines if "sk-alice" in line or line.startswith("warning")]


@needs_lan
def test_in_a_trusted_network_the_machines_own_names_are_served(tmp_path: Path) -> None:
    lines = judged(tmp_path, UNKEYED, "--host", "::", "--insecure-no-key")
    assert "network http://10.77.0.5" in urls(lines)
    assert [line for line in lines if line.startswith("warning   --insecure-no-key: whoever")]


@needs_lan
def test_with_a_key_allowed_hosts_narrow_what_is_served(tmp_path: Path) -> None:
    options = ("--host", "0.0.0.0", "--api-key-file", "keys")  # noqa: S104
    lines = judged(tmp_path, NARROWED, *options, "--allow-host", "box.lan")
    assert urls(lines) == ["network http://box.lan", "url http://127.0.0.1"]


@needs_lan
def test_one_address_of_the_network_is_served_alone(tmp_path: Path) -> None:
    rows: list[Row] = [(LAN, "10.77.0.5", [ALICE], 200), (LAN, "10.77.0.5", [], 401)]
    lines = judged(tmp_path, rows, "--host", "10.77.0.5", "--api-key-file", "keys")
    assert urls(lines)[-1] == "url http://10.77.0.5"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.2"])  # noqa: S104
def test_what_others_reach_is_refused_without_a_key_in_one_sentence(
    host: str, tmp_path: Path
) -> None:
    with serving(tmp_path, "--host", host) as server:
        assert server.process.wait(timeout=60) == 2
        assert server.lines == []
    told = server.errors.read_text()
    assert told.count("\n") == 1
    assert "--api-key-file" in told
    assert "--insecure-no-key" in told


# Keys


@pytest.fixture(name="keyed", scope="module")
def _keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("keyed"), env=KEY) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/v1/health", 200),
        ("HEAD", "/", 200),
        ("GET", "/", 200),
        ("GET", "/v1/models", 401),
        ("GET", "/metrics", 401),
        ("GET", "/docs", 401),
        ("GET", "/openapi.json", 401),
        ("GET", "/props", 401),
        ("GET", "/nothing", 401),
        ("POST", "/health", 401),
        ("GET", "/health/../v1/models", 401),
        ("GET", "/health%2f..%2fv1/models", 401),
        ("GET", "/%68ealth", 200),
        ("OPTIONS", "/v1/models", 401),
    ],
)
def test_all_but_the_sign_of_life_needs_a_key(
    keyed: Running, method: str, target: str, status: int
) -> None:
    found = keyed.ask(Ask("127.0.0.1", [("host", "localhost")], method, target))
    assert found.status == status
    assert ("www-authenticate" in found.headers) is (status == 401)
    assert "demo" not in found.body


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_the_front_page_names_no_model_to_whom_lacks_the_key(keyed: Running, accept: str) -> None:
    headers = [("host", "localhost"), ("accept", accept)]
    assert ">demo<" not in keyed.ask(Ask("127.0.0.1", headers, target="/")).body
    known = keyed.ask(Ask("127.0.0.1", [*headers, ALICE], target="/")).body
    assert ">demo<" in known or '"demo"' in known


def test_a_refusal_is_no_word_in_the_log(keyed: Running) -> None:
    assert keyed.ask(Ask("127.0.0.1", [("host", "localhost")])).status == 401
    assert keyed.errors.read_text() == ""


@pytest.mark.live
def test_clients_send_the_key_they_are_given_and_are_counted_by_its_name(tmp_path: Path) -> None:
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": "Hello!"}],
        "max_tokens": 2,
    }
    with running(tmp_path, *QUIET, env=KEY) as server:
        openai = OpenAI(base_url=server.url, api_key="sk-bob", max_retries=0, timeout=60)
        with openai, httpx.Client(base_url=server.root, trust_env=False, timeout=60) as client:
            assert openai.chat.completions.create(model="demo", **body).choices
            for headers in ({"x-api-key": "sk-bob"}, {"api-key": "sk-bob"}):
                found = client.post("/v1/messages", json={**body, "model": "demo"}, headers=headers)
                assert found.json()["type"] == "message"
            wrong = {"authorization": "Bearer sk-SECRET"}
            refused = client.post("/api/chat", json={**body, "model": "demo"}, headers=wrong)
            assert (refused.status_code, list(refused.json())) == (401, ["error"])
            metrics = client.get("/metrics", headers={"api-key": "sk-alice-0123456789"}).text
        with pytest.raises(AuthenticationError) as caught:
            server.client().models.list()
        environment = Path(f"/proc/{server.worker.pid}/environ").read_bytes()
    assert caught.value.code == "invalid_api_key"
    counts = samples_of(metrics)
    assert counts["gguf_fc_requests_total|key-2"] == 3
    assert counts["gguf_fc_requests_total|alice"] == 1
    assert counts["gguf_fc_refused_total|key"] == 1
    assert "sk-" not in metrics
    assert b"sk-bob" not in environment
    assert server.errors.read_text() == ""


# Unix sockets


def test_a_unix_socket_is_for_its_owner_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with serving(tmp_path, "--uds", str(path)) as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found = {
            host: answer(UnixConnection(path), Ask("", [("host", host)])).status
            for host in ("localhost", "unix", "gguf-fc:80", "evil.example", "")
        }
        assert f"socket    {path}" in server.lines
        assert f"curl --unix-socket {path}".removeprefix("curl ") in server.lines[-1]
        assert server.url == "http://localhost/v1"
    assert found == {"localhost": 200, "unix": 200, "gguf-fc:80": 200, "evil.example": 403, "": 403}
    assert not path.exists()


def test_with_a_key_a_unix_socket_is_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with serving(tmp_path, "--uds", str(path), env=KEY):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        host = ("host", "localhost")
        assert answer(UnixConnection(path), Ask("", [host])).status == 401
        assert answer(UnixConnection(path), Ask("", [host, ALICE])).status == 200


def test_a_socket_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with serving(tmp_path, "--uds", str(path)):
        assert answer(UnixConnection(path), Ask("", [("host", "localhost")])).status == 200


# TLS


def certificate(folder: Path) -> tuple[str, ...]:
    """Options for a certificate of ``localhost`` made now."""
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    named = ("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    subprocess.run(["openssl", *made, *named, *files], check=True, capture_output=True)  # noqa: S607
    return "--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")


def test_a_certificate_and_its_key_serve_https(tmp_path: Path) -> None:
    options = certificate(tmp_path)
    with serving(tmp_path, "--host", "localhost", *options) as server:
        assert server.url.startswith("https://localhost:")
        ask = Ask("", [("host", f"localhost:{server.port}")])
        assert over_tls(server.port, tmp_path / "cert.pem", ask).status == 200
        page = Ask("", [*ask.headers, ("origin", f"https://localhost:{server.port}")])
        assert over_tls(server.port, tmp_path / "cert.pem", page).status == 200
        with pytest.raises((OSError, EOFError, ConnectionError)):
            server.ask(Ask("127.0.0.1", ask.headers))
        with socket.create_connection(("127.0.0.1", server.port)) as odd:
            odd.sendall(os.urandom(64))
    assert server.errors.read_text() == ""
