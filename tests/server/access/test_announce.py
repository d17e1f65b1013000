"""Start lines: addresses that answer, and warnings where more can get in than one may think."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from gguf_fc.config import Settings
from gguf_fc.server.access import announce
from gguf_fc.server.access.announce import Announcement, machine_addresses
from gguf_fc.server.access.listeners import listening, places_of
from gguf_fc.server.access.policy import access_of
from tests.support.connecting import has_ipv6

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
ADDRESSES = [(ip_address("10.77.0.5"), "lan0"), (ip_address("fd77::5"), "lan0")]
ANY = "0.0.0.0"  # noqa: S104


@contextmanager
def announced(**settings: object) -> Iterator[Announcement]:
    made = Settings(**settings)  # type: ignore[arg-type]
    places = places_of(made.host)
    with listening(made.host, places, 0) as sockets:
        yield Announcement(made, access_of(made, places), sockets)


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "machine_addresses", lambda: ADDRESSES)


def shown(announcement: Announcement) -> list[str]:
    """The lines and the URL, without the port."""
    port = announcement.sockets[0].getsockname()[1]
    lines = [*announcement.lines(), f"url {announcement.url}"]
    return [" ".join(line.replace(f":{port}", "").split()) for line in lines]


NO_KEY = "warning --insecure-no-key: whoever reaches these addresses can use this server"
KEYS = "keys key-1: each request needs one of theirs"
CONTAINER = (
    "container http://host.docker.internal/v1 "
    "(on Linux with --add-host=host.docker.internal:host-gateway)"
)
V4, V6 = "network http://10.77.0.5/v1 (lan0)", "network http://[fd77::5]/v1 (lan0)"


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({}, ["url http://127.0.0.1"]),
        ({"host": "localhost"}, ["url http://localhost"]),
        pytest.param({"host": "[::1]"}, ["url http://[::1]"], marks=needs_ipv6),
        ({"host": "127.0.0.1", "api_key": "k"}, [KEYS, "url http://127.0.0.1"]),
        ({"host": ANY, "api_key": "k"}, [KEYS, V4, CONTAINER, "url http://127.0.0.1"]),
        pytest.param(
            {"host": "::", "api_key": "k"},
            [KEYS, V4, V6, CONTAINER, "url http://127.0.0.1"],
            marks=needs_ipv6,
        ),
        pytest.param(
            {"host": "::", "api_key": "k", "tls_cert": Path("c")},
            [line.replace("http:", "https:") for line in (KEYS, V4, V6, CONTAINER)]
            + ["url https://127.0.0.1"],
            marks=needs_ipv6,
        ),
        (
            {"host": ANY, "insecure_no_key": True},
            [V4, CONTAINER, NO_KEY, "url http://127.0.0.1"],
        ),
        (
            {"host": ANY, "api_key": "k", "allow_host": ("box.lan", "*.ts.net")},
            [KEYS, "network http://box.lan/v1 (--allow-host)", "url http://127.0.0.1"],
        ),
        (
            {"host": ANY, "api_key": "k", "allow_host": ("10.77.0.5", "host.docker.internal")},
            [
                KEYS,
                V4,
                CONTAINER,
                "url http://127.0.0.1",
            ],
        ),
        (
            {"allow_host": ("*",)},
            [
                "warning --allow-host '*' without a key: web pages can get in (DNS rebinding)",
                "url http://127.0.0.1",
            ],
        ),
        (
            {"allow_origin": ("null",)},
            [
                "warning --allow-origin lets every web page use this server, which asks for no key",
                "url http://127.0.0.1",
            ],
        ),
        ({"allow_origin": ("null",), "api_key": "k"}, [KEYS, "url http://127.0.0.1"]),
        ({"allow_origin": ("app://*",)}, ["url http://127.0.0.1"]),
    ],
)
def test_the_lines_name_what_answers(settings: dict[str, object], lines: list[str]) -> None:
    with announced(**settings) as announcement:
        assert shown(announcement) == lines


def test_a_call_to_try_has_what_the_server_asks_for() -> None:
    with announced(api_key="k") as announcement:
        assert announcement.curl_options == " -H 'authorization: Bearer KEY'"
    with announced() as announcement:
        assert announcement.curl_options == ""


def test_a_key_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("alice k")
    path.chmod(0o644)
    with announced(api_key_file=path) as announcement:
        assert f"warning other users can read the keys: chmod 600 {path}" in shown(announcement)


def test_addresses_of_this_machine_are_those_that_others_can_reach() -> None:
    found = machine_addresses()
    assert not any(address.is_loopback or address.is_link_local for address, _ in found)
    assert [address.version for address, _ in found] == sorted(
        address.version for address, _ in found
    )
    assert {name for _, name in found} <= {name for _, name in socket.if_nameindex()}
