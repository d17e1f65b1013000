"""Start lines on how to connect: addresses at which this server really answers, and who may.

An address is named only if a request to it would pass the guard.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import psutil

from gguf_fc.config import Settings
from gguf_fc.server.access.guard import Access
from gguf_fc.server.access.hosts import (
    FROM_CONTAINERS,
    Address,
    Authority,
    LocalEnd,
    address_of,
)
from gguf_fc.server.access.keys import others_can_read


@dataclass(frozen=True, slots=True)
class Announcement:
    """A server with this *access* that listens on *sockets*, as *settings* say."""

    settings: Settings
    access: Access
    sockets: Sequence[socket.socket]

    @property
    def url(self) -> str:
        """The base URL for programs on this machine."""
        if self.settings.uds is not None:
            return self._url("localhost")
        bound = self._bound
        if any(address.is_unspecified for address in bound):
            return self._url("127.0.0.1" if self._families("127.0.0.1") else "::1")
        return self._url(self.settings.host.strip("[]"))

    @property
    def curl_options(self) -> str:
        """Options that curl needs for a request, each with a space in front."""
        uds, keys = self.settings.uds, self.access.keys
        socket_option = "" if uds is None else f" --unix-socket {uds}"
        return socket_option + (" -H 'authorization: Bearer KEY'" if keys else "")

    def lines(self) -> Iterator[str]:
        """Lines before that of the URL; none for a server that only this machine reaches."""
        if self.access.keys:
            yield f"keys      {', '.join(self.access.keys.names)}: each request needs one of theirs"
        if self.settings.uds is not None:
            yield f"socket    {self.settings.uds}"
        reached = dict(self._from_outside())
        if self._exposed:
            names = self.access.hosts.listed - {*reached, *FROM_CONTAINERS}
            reached |= {name: "--allow-host" for name in sorted(names) if "*" not in name}
        for name, how in reached.items():
            yield f"network   {self._url(name)}/v1 ({how})"
        if any(address.is_unspecified for address in self._bound):
            yield from self._for_containers()
        yield from (f"warning   {warning}" for warning in self._warnings())

    @property
    def _bound(self) -> list[Address]:
        """Addresses that are listened on."""
        if self.settings.uds is not None:
            return []
        names = (one.getsockname()[0].partition("%")[0] for one in self.sockets)
        return [address for name in names if (address := address_of(name)) is not None]

    @property
    def _exposed(self) -> bool:
        """Other machines can connect."""
        return not all(address.is_loopback for address in self._bound)

    def _from_outside(self) -> Iterator[tuple[str, str]]:
        """Addresses of this machine at which others reach it, with their interface."""
        for address, interface in machine_addresses():
            reached = address in self._bound or self._families(str(address))
            served = self.access.hosts.serve(Authority(str(address)), LocalEnd(address))
            if reached and served:
                yield str(address), interface

    def _families(self, name: str) -> bool:
        """Every address of the family of *name* is listened on."""
        address = address_of(name)
        return any(
            bound.is_unspecified and isinstance(bound, type(address)) for bound in self._bound
        )

    def _for_containers(self) -> Iterator[str]:
        name = FROM_CONTAINERS[0]
        if self.access.hosts.serve(Authority(name), LocalEnd(None)):
            yield f"container {self._url(name)}/v1 (on Linux with --add-host={name}:host-gateway)"

    def _warnings(self) -> Iterator[str]:
        settings, access = self.settings, self.access
        if settings.api_key_file is not None and others_can_read(settings.api_key_file):
            yield f"other users can read the keys: chmod 600 {settings.api_key_file}"
        if access.keys:
            return
        if self._exposed:
            yield "--insecure-no-key: whoever reaches these addresses can use this server"
        if access.hosts.every:
            yield "--allow-host '*' without a key: web pages can get in (DNS rebinding)"
        if access.origins.any_page:
            yield "--allow-origin lets every web page use this server, which asks for no key"

    def _url(self, name: str) -> str:
        scheme = "http" if self.settings.tls_cert is None else "https"
        if self.settings.uds is not None:
            return f"{scheme}://{name}"
        port = self.sockets[0].getsockname()[1]
        return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def machine_addresses() -> list[tuple[Address, str]]:
    """Addresses of this machine that others can reach, with their interfaces; IPv4 first."""
    up = {name for name, stats in psutil.net_if_stats().items() if stats.isup}
    found = [
        (address, name)
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if name in up and entry.family in {socket.AF_INET, socket.AF_INET6}
        if (address := address_of(entry.address.partition("%")[0])) is not None
        if not address.is_loopback and not address.is_link_local
    ]
    return sorted(found, key=lambda item: not isinstance(item[0], IPv4Address))
