"""Names that the server answers to, by the ``Host`` header and the socket it came to.

A page that rebinds its own name to this machine (DNS rebinding) still sends that name as ``Host``,
so a name that is not known here is refused.  Where a key is needed the page lacks it, and every
name is served unless the operator listed some.

A loopback name counts only on a loopback socket: from another machine it is forged.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from gguf_fc.errors import ConfigError

Address = IPv4Address | IPv6Address

_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([\w.-]{1,254}))(?::(\d{0,5}))?", re.ASCII)
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*", re.ASCII)
MAX_PORT = 65_535
# Names by which containers reach the machine they run on.
FROM_CONTAINERS = ("host.docker.internal", "host.containers.internal")
EVERY = "*"


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and a port as URLs have them."""

    name: str  # in lower case; an address in its shortest form, without brackets
    port: int | None = None

    @property
    def loopback(self) -> bool:
        """Only programs on this machine mean this server by it."""
        address = address_of(self.name)
        return self.name == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True, slots=True)
class LocalEnd:
    """Our end of a connection: an address, or a Unix socket, which no browser can reach."""

    address: Address | None
    unix: bool = False

    @property
    def loopback(self) -> bool:
        """No other machine can be at the far end."""
        return self.unix or (self.address is not None and self.address.is_loopback)


def read_authority(text: str) -> Authority | None:
    """The host and port that *text* is, and nothing beside them; None if it is anything else.

    Forms that browsers never send are nothing: user names, paths, zone ids, an IPv4 address within
    an IPv6 address, addresses with fewer than four numbers.
    """
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    in_brackets, plain, digits = found.groups()
    name = _ipv6(in_brackets) if plain is None else _name(plain.lower())
    port = int(digits) if digits else None
    if name is None or (port or 0) > MAX_PORT:
        return None
    return Authority(name, port)


def _ipv6(text: str) -> str | None:
    address = address_of(text)
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    return None if mapped or not isinstance(address, IPv6Address) else str(address)


def _name(text: str) -> str | None:
    """A name, or an IPv4 address; a dot may follow."""
    text = text.removesuffix(".")
    labels = text.split(".")
    if not all(labels):
        return None
    if _NUMBER.fullmatch(labels[-1]):  # every reader of URLs takes that for an address
        address = address_of(text)
        return None if address is None else str(address)
    return text


def address_of(text: str) -> Address | None:
    """The address that *text* is, if it is one."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def local_end(server: tuple[str, int | None] | None) -> LocalEnd:
    """Our end of a connection, from the ``server`` of its ASGI scope."""
    if server is None:
        return LocalEnd(None)
    place, port = server
    if port is None:
        return LocalEnd(None, unix=True)
    address = address_of(place.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # a socket of both families shows IPv4 so
    return LocalEnd(address)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Names that are served."""

    listed: frozenset[str] = frozenset()  # on every socket: ``box.lan``, ``*.lan``
    own: frozenset[str] = frozenset()  # of this machine
    every: bool = False  # any name at all
    addresses: bool = False  # the address that a connection came to

    def serve(self, authority: Authority, end: LocalEnd) -> bool:
        """A request for *authority* that came to *end* is answered."""
        name = authority.name
        return (
            self.every
            or self._listed(name)
            or (authority.loopback and end.loopback)
            or (
                end.unix and not {".", ":"} & {*name}
            )  # clients make up a name for it: http://unix/
            or name in self.own
            or (self.addresses and end.address is not None and name == str(end.address))
        )

    def _listed(self, name: str) -> bool:
        parents = (f"*{name[at:]}" for at, sign in enumerate(name) if sign == ".")
        return name in self.listed or any(parent in self.listed for parent in parents)


@lru_cache(maxsize=256)
def is_served(hosts: Hosts, host: str, server: tuple[str, int | None] | None) -> bool | None:
    """Verdict of *hosts* on the header *host* at *server*; None: it is no host."""
    authority = read_authority(host)
    return None if authority is None else hosts.serve(authority, local_end(server))


def hosts_of(
    allowed: tuple[str, ...], host: str, *, keyed: bool, open_to_all: bool = False
) -> Hosts:
    """Hosts by the settings: names *allowed*, the *host* that is listened on.

    *open_to_all*: other machines and containers need no key.  Raises ConfigError.
    """
    listed = frozenset(map(_read_allowed, allowed))
    every = EVERY in listed or (keyed and not listed)
    own = set() if keyed else {host.lower()}
    if open_to_all:
        own |= machine_names()
    named = frozenset(name for name in own if not Authority(name).loopback)
    return Hosts(listed, named, every=every, addresses=open_to_all)


def _read_allowed(text: str) -> str:
    """A name or pattern of ``--allow-host``, as names are compared."""
    if text == EVERY:
        return text
    address = address_of(text)
    if address is not None:
        return str(address)
    pattern, rest = text.startswith("*."), text.removeprefix("*.")
    authority = read_authority(rest)
    if authority is None or authority.port is not None or (pattern and address_of(authority.name)):
        raise ConfigError(
            f"--allow-host takes a name, an address, '*.' and a name, or '*', without a port, "
            f"not '{text}'."
        )
    return f"*.{authority.name}" if pattern else authority.name


def machine_names() -> frozenset[str]:
    """Names of this machine, in its network and for containers on it; nobody is asked for them."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return frozenset({name, first, f"{first}.local", *FROM_CONTAINERS}) - {""}
