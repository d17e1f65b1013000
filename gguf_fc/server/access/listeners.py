"""Sockets that the server listens on, bound before the model is loaded.

A name may stand for addresses of both families, ``localhost`` and ``::`` always do; each address
has a socket of its own.  A Unix socket that nobody listens on any more is replaced.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.hosts import Address, address_of

# Hosts that stand for an address of each family, whatever the system's tables say.
BOTH_FAMILIES = {"localhost": ("127.0.0.1", "::1"), "::": ("::", "0.0.0.0")}  # noqa: S104
ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}  # this machine has no such address
IPV4 = 4
TRIES = 20  # to find a port that is free in both families
FOR_OWNER, FOR_ALL = 0o600, 0o666  # who may connect to a Unix socket


@dataclass(frozen=True, slots=True)
class Place:
    """An address to bind."""

    family: int
    host: str
    rest: tuple[int, ...] = ()  # of an IPv6 address: flow and zone

    @property
    def address(self) -> Address | None:
        """The address alone."""
        return address_of(self.host.partition("%")[0])

    @property
    def loopback(self) -> bool:
        """Only programs on this machine can connect."""
        return self.address is not None and self.address.is_loopback


def places_of(host: str) -> tuple[Place, ...]:
    """Addresses that *host* stands for.  Raises ConfigError if it stands for none."""
    name = host.strip("[]")
    if not name:
        raise ConfigError("--host needs a name or an address.")
    found = (_places(one, host) for one in BOTH_FAMILIES.get(name.lower(), (name,)))
    return tuple(dict.fromkeys(chain.from_iterable(found)))


def _places(name: str, host: str) -> Iterator[Place]:
    address = address_of(name)
    if address is not None and "%" not in name:  # nobody needs to be asked
        yield Place(socket.AF_INET if address.version == IPV4 else socket.AF_INET6, str(address))
        return
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"--host '{host}' leads to no address: {_reason(error)}.") from error
    for family, _, _, _, at in found:
        yield Place(family, str(at[0]), tuple(map(int, at[2:])))


@contextmanager
def listening(host: str, places: Sequence[Place], port: int) -> Iterator[list[socket.socket]]:
    """Bound sockets at all *places* of *host* that this machine has.  Raises ConfigError."""
    with ExitStack() as opened:
        try:
            sockets = _bind_all(places, port)
        except OSError as error:
            shown = f"[{host}]" if ":" in host else host
            raise ConfigError(
                f"Cannot listen on {shown}:{port}: {_reason(error)}; "
                "choose another with --host and --port."
            ) from error
        for one in sockets:
            opened.enter_context(one)
        yield sockets


def _bind_all(places: Sequence[Place], port: int) -> list[socket.socket]:
    """A socket for each place, all on one port: *port*, or any that is free everywhere."""
    for tries_left in reversed(range(TRIES)):
        try:
            return _bind_once(places, port)
        except OSError as error:
            if port != 0 or error.errno != errno.EADDRINUSE or not tries_left:
                raise
    raise AssertionError


def _bind_once(places: Sequence[Place], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    with ExitStack() as undo:
        for place in places:
            at = (place.host, port, *place.rest)
            try:
                made = socket.create_server(at, family=place.family)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = error
                continue
            sockets.append(undo.enter_context(made))
            port = made.getsockname()[1]
        if absent is not None and not sockets:
            raise absent
        undo.pop_all()
    return sockets


@contextmanager
def listening_at(path: Path, *, for_all: bool) -> Iterator[list[socket.socket]]:
    """A listening Unix socket at *path*, removed afterwards.  Raises ConfigError.

    *for_all*: every user of the machine may connect, else only this one.
    """
    try:
        _remove_stale(path)
        made = socket.socket(socket.AF_UNIX)
    except OSError as error:
        raise _no_socket(path, error) from error
    with made:
        try:
            made.bind(str(path))
            path.chmod(FOR_ALL if for_all else FOR_OWNER)  # before anybody can connect
            made.listen()
        except OSError as error:
            raise _no_socket(path, error) from error
        ours = path.stat().st_ino
        try:
            yield [made]
        finally:
            with suppress(FileNotFoundError):  # whoever replaced it keeps theirs
                if path.stat().st_ino == ours:
                    path.unlink()


def _remove_stale(path: Path) -> None:
    """Remove the socket that an ended server left at *path*; nothing else is removed."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise FileExistsError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _no_socket(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"Cannot listen on the Unix socket {path}: {error.strerror or error}; "
        "choose another with --uds."
    )


def _reason(error: OSError | UnicodeError) -> str:
    """The system's text of *error*: the error's own repeats the address."""
    if not isinstance(error, OSError):
        return "no name"
    known = error.errno is not None and error.errno > 0
    return os.strerror(error.errno or 0) if known else str(error.strerror or error)
