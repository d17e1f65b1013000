"""Sockets: which addresses a host stands for, and what stands in the way of a socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.listeners import Place, listening, listening_at, places_of
from tests.support.connecting import has_ipv6

V4, V6 = socket.AF_INET, socket.AF_INET6
needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "places", "loopback"),
    [
        ("127.0.0.1", [(V4, "127.0.0.1")], True),
        ("127.8.8.8", [(V4, "127.8.8.8")], True),
        ("::1", [(V6, "::1")], True),
        ("[::1]", [(V6, "::1")], True),
        ("localhost", [(V4, "127.0.0.1"), (V6, "::1")], True),
        ("LOCALHOST", [(V4, "127.0.0.1"), (V6, "::1")], True),
        ("0.0.0.0", [(V4, "0.0.0.0")], False),  # noqa: S104
        ("::", [(V6, "::"), (V4, "0.0.0.0")], False),  # noqa: S104
        ("192.168.1.5", [(V4, "192.168.1.5")], False),
        ("fd00::5", [(V6, "fd00::5")], False),
        ("::ffff:127.0.0.1", [(V6, "::ffff:7f00:1")], False),
    ],
)
def test_a_host_stands_for_addresses(
    host: str,
    places: list[tuple[int, str]],
    loopback: bool,  # noqa: FBT001
) -> None:
    found = places_of(host)
    assert [(place.family, place.host) for place in found] == places
    assert all(place.loopback for place in found) is loopback


def test_a_name_stands_for_all_that_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(*_: object, **__: object) -> list[object]:
        stream = socket.SOCK_STREAM
        return [
            (V6, stream, 6, "", ("fd00::5", 0, 0, 0)),
            (V4, stream, 6, "", ("10.0.0.5", 0)),
            (V4, stream, 6, "", ("10.0.0.5", 0)),
            (V6, stream, 6, "", ("fe80::5%eth0", 0, 0, 2)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert places_of("box.lan") == (
        Place(V6, "fd00::5", (0, 0)),
        Place(V4, "10.0.0.5"),
        Place(V6, "fe80::5%eth0", (0, 2)),
    )
    assert not any(place.loopback for place in places_of("box.lan"))


@pytest.mark.parametrize("host", ["", "[]", "no.such.host.invalid", "a" * 300])
def test_a_host_that_leads_nowhere_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConfigError, match="--host"):
        places_of(host)


@needs_ipv6
def test_both_families_have_one_port() -> None:
    with listening("localhost", places_of("localhost"), 0) as sockets:
        assert [one.family for one in sockets] == [V4, V6]
        assert len({one.getsockname()[1] for one in sockets}) == 1
    assert all(one.fileno() == -1 for one in sockets)


def test_an_address_that_this_machine_lacks_is_passed_over_if_there_is_another() -> None:
    absent = Place(V6, "2001:db8::5")
    with listening("box", (absent, Place(V4, "127.0.0.1")), 0) as sockets:
        assert [one.getsockname()[0] for one in sockets] == ["127.0.0.1"]
    with (
        pytest.raises(ConfigError, match="Cannot listen on box:0: Cannot assign requested address"),
        listening("box", (absent,), 0),
    ):
        raise AssertionError


@needs_ipv6
def test_a_port_that_is_taken_in_one_family_is_taken() -> None:
    with socket.create_server(("::1", 0), family=V6) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"Cannot listen on localhost:{port}: Address already"),
            listening("localhost", places_of("localhost"), port),
        ):
            raise AssertionError
        with socket.create_server(("127.0.0.1", port)):
            pass  # what was bound before is free again


@needs_ipv6
def test_another_port_is_tried_until_one_is_free_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    create = socket.create_server

    def busy(address: tuple[str, int], family: int) -> socket.socket:
        if family == V6 and len(made) < 3:
            made.append(address[1])
            raise OSError(98, os.strerror(98))
        return create(address, family=family)

    monkeypatch.setattr(socket, "create_server", busy)
    with listening("localhost", places_of("localhost"), 0) as sockets:
        assert len(sockets) == 2
    assert len(made) == 3


# Unix sockets


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "a.sock"


@pytest.mark.parametrize(("for_all", "mode"), [(False, 0o600), (True, 0o666)])
def test_a_unix_socket_is_made_and_removed(path: Path, for_all: bool, mode: int) -> None:  # noqa: FBT001
    with listening_at(path, for_all=for_all) as (made,), socket.socket(socket.AF_UNIX) as client:
        assert path.stat().st_mode & 0o777 == mode
        client.connect(str(path))
        assert made.getsockname() == str(path)
    assert not path.exists()


def test_a_socket_without_a_server_is_replaced_a_used_one_is_not(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with listening_at(path, for_all=False):
        with (
            pytest.raises(ConfigError, match="Address already in use; choose another with --uds"),
            listening_at(path, for_all=False),
        ):
            raise AssertionError
        assert path.exists()


def test_no_other_file_is_replaced_or_removed(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(ConfigError, match="no socket"), listening_at(path, for_all=False):
        raise AssertionError
    assert path.read_text() == "mine"


def test_a_link_to_a_socket_is_not_followed(path: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "b.sock"))
    path.symlink_to(tmp_path / "b.sock")
    with pytest.raises(ConfigError, match="no socket"), listening_at(path, for_all=False):
        raise AssertionError


def test_a_socket_that_another_server_put_there_is_left(path: Path) -> None:
    with listening_at(path, for_all=False), socket.socket(socket.AF_UNIX) as other:
        path.unlink()
        other.bind(str(path))
    assert path.exists()


@pytest.mark.parametrize("name", ["no/such/folder/a.sock", "a" * 200])
def test_a_place_where_no_socket_can_be_is_told(tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(ConfigError, match=r"Cannot listen on the Unix socket .*choose another"),
        listening_at(tmp_path / name, for_all=False),
    ):
        raise AssertionError
