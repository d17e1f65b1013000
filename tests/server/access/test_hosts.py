"""Host headers: what is a host, and on which sockets which are served."""

from __future__ import annotations

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.hosts import (
    Authority,
    hosts_of,
    is_served,
    machine_names,
    read_authority,
)

LOOPBACK = ("127.0.0.1", 8080)
LOOPBACK_6 = ("::1", 8080)
LAN = ("192.168.1.5", 8080)
LAN_6 = ("fd00::5", 8080)
MAPPED = ("::ffff:192.168.1.5", 8080)  # as a socket of both families shows an IPv4 client
UNIX = ("/run/gguf-fc.sock", None)
SOCKETS = (LOOPBACK, LOOPBACK_6, LAN, LAN_6, MAPPED, UNIX)

NO_HOSTS = [
    *("", " ", ":", ":8080", "[", "[::1", "::1", "[]", "[::1]8080", "[::1]:x"),
    *("evil.com@localhost", "localhost@evil.com", "user:pass@localhost", "a:b@127.0.0.1:8080"),
    *("localhost/", "localhost/..", "localhost:8080/v1", "localhost?x", "localhost#x"),
    *("//localhost", " localhost", "localhost ", "\tlocalhost"),
    *("http://localhost", "localhost\\evil.com", "local host"),
    *("localhost,evil.com", "localhost;x", "localhost:8080:1", "localhost:-1", "localhost:99999"),
    *("localhost:x", "localhost:\uff18\uff10", "localhost..", "..", ".", ".localhost", "a..b"),
    *("localhost%00", "l\u00f3calhost", "\u24dbocalhost"),
    *("[::1%25lo]", "[::1%lo]", "[fe80::1%eth0]:8080", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.01", "0"),
    *("127.0.0.256", "127.0.0.1.5", "1.2.3.4.5.6", "[127.0.0.1]", "[localhost]"),
    *("localhost\x00", "localhost\n", "\r\nlocalhost", "*", "localhost:8080 evil.com", "a" * 300),
]  # fmt: skip


@pytest.mark.parametrize("text", NO_HOSTS)
def test_what_no_browser_sends_is_no_host(text: str) -> None:
    assert read_authority(text) is None


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost:8080", "localhost", 8080),
        ("localhost.", "localhost", None),
        ("localhost:", "localhost", None),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("127.0.0.1.", "127.0.0.1", None),
        ("[::1]", "::1", None),
        ("[0:0:0:0:0:0:0:1]:8080", "::1", 8080),
        ("[2001:DB8::A]:65535", "2001:db8::a", 65535),
        ("my_service-1.example.org:80", "my_service-1.example.org", 80),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("3com.com", "3com.com", None),
    ],
)
def test_a_host_is_a_name_or_an_address_and_a_port(text: str, name: str, port: int | None) -> None:
    assert read_authority(text) == Authority(name, port)


# What each host is answered with at SOCKETS, in that order: "+" is served, "-" is not.
WITHOUT_KEY = [
    ("localhost", "++---+"),
    ("localhost.:8080", "++---+"),
    ("127.0.0.1:8080", "++---+"),
    ("127.0.0.2", "++---+"),
    ("[::1]:8080", "++---+"),
    ("192.168.1.5:8080", "------"),
    ("[fd00::5]", "------"),
    ("host.docker.internal", "------"),
    ("0.0.0.0", "------"),  # noqa: S104
    ("[::]", "------"),
    ("8.8.8.8", "------"),
    ("evil.example", "------"),
    ("localhost.evil.example", "------"),
    ("127.0.0.1.evil.example", "------"),
    ("evil.localhost", "------"),
    ("unix", "-----+"),
    ("gguf-fc", "-----+"),
]
OPEN_TO_ALL = [
    ("localhost", "++---+"),
    ("192.168.1.5", "--+-+-"),
    ("[fd00::5]:8080", "---+--"),
    ("[FD00:0::5]", "---+--"),
    ("192.168.1.6", "------"),
    ("host.docker.internal:8080", "++++++"),
    ("host.containers.internal", "++++++"),
    ("8.8.8.8", "------"),
    ("evil.example", "------"),
]
LISTED = [
    ("box.lan:8080", "++++++"),
    ("BOX.LAN.", "++++++"),
    ("a.b.example.org", "++++++"),
    ("example.org", "------"),
    ("notexample.org", "------"),
    ("x.box.lan", "------"),
    ("10.0.0.1", "++++++"),
    ("[fd00::a]", "++++++"),
    ("localhost", "++---+"),
    ("192.168.1.5", "------"),
    ("evil.example", "------"),
]
NAMES = ("Box.lan", "*.example.org", "10.0.0.1", "fd00:0::a")


def answers(hosts_: str, allowed: tuple[str, ...], **how: bool) -> str:
    hosts = hosts_of(allowed, "127.0.0.1", **{"keyed": False, **how})
    return "".join("+" if is_served(hosts, hosts_, place) else "-" for place in SOCKETS)


@pytest.mark.parametrize(("host", "expected"), WITHOUT_KEY)
def test_without_a_key_only_loopback_names_count_and_only_on_loopback_sockets(
    host: str, expected: str
) -> None:
    assert answers(host, ()) == expected


@pytest.mark.parametrize(("host", "expected"), OPEN_TO_ALL)
def test_open_to_all_the_machines_own_names_and_addresses_count_too(
    host: str, expected: str
) -> None:
    assert answers(host, (), open_to_all=True) == expected


@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize(("host", "expected"), LISTED)
def test_listed_names_are_served_on_every_socket_and_with_a_key_no_others(
    host: str,
    expected: str,
    keyed: bool,  # noqa: FBT001
) -> None:
    assert answers(host, NAMES, keyed=keyed) == expected


@pytest.mark.parametrize("host", ["evil.example", "localhost", "192.168.1.5", "[fd00::5]:1"])
def test_with_a_key_or_a_star_every_host_is_served(host: str) -> None:
    assert answers(host, (), keyed=True) == "++++++"
    assert answers(host, ("*",)) == "++++++"


@pytest.mark.parametrize("text", NO_HOSTS)
def test_what_is_no_host_is_never_served(text: str) -> None:
    assert is_served(hosts_of(("*",), "", keyed=True), text, LOOPBACK) is None


def test_a_socket_of_which_nothing_is_known_is_not_loopback() -> None:
    assert not is_served(hosts_of((), "127.0.0.1", keyed=False), "localhost", None)


def test_the_name_that_is_listened_on_is_served() -> None:
    hosts = hosts_of((), "My-Laptop", keyed=False)
    assert is_served(hosts, "my-laptop:8080", ("127.0.1.1", 8080))


def test_this_machine_has_a_name() -> None:
    names = machine_names()
    assert {"host.docker.internal", "host.containers.internal"} < names
    assert any(name.endswith(".local") for name in names)
    assert "" not in names
    assert "localhost" not in hosts_of((), "localhost", keyed=False, open_to_all=True).own


@pytest.mark.parametrize(
    "text",
    [
        "box.lan:8080",
        "http://box.lan",
        "box.lan/",
        "a b",
        "*.",
        "**",
        "*.*",
        "x.*",
        "",
        "*.10.0.0.1",
    ],
)
def test_an_allowed_host_is_a_name_without_a_port(text: str) -> None:
    with pytest.raises(ConfigError, match="--allow-host takes a name"):
        hosts_of((text,), "127.0.0.1", keyed=False)
