"""Pages that may use the server from a browser, by the ``Origin`` header.

Pages of this machine may, pages that come from the server itself, and those that the operator
listed.  Programs send no origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gguf_fc.errors import ConfigError
from gguf_fc.server.access.hosts import Authority, read_authority

EVERY, OPAQUE = "*", "null"  # any page; pages without an origin, such as files
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^\s/?#@\\*]+)", re.ASCII)
_PORTS = {"http": 80, "https": 443}  # pages of other schemes belong to programs


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme and authority of a page: where it came from."""

    scheme: str
    place: str  # in lower case

    @property
    def web(self) -> bool:
        """True of pages that came over HTTP, not out of a program."""
        return self.scheme in _PORTS

    @property
    def authority(self) -> Authority | None:
        """Its host and port; None if they are none."""
        return read_authority(self.place)

    @property
    def loopback(self) -> bool:
        """True of pages of this machine: a local server's, or a program's own."""
        authority = self.authority
        return authority is not None and authority.loopback

    def is_at(self, host: Authority | None) -> bool:
        """True of pages that came from the server that is asked as *host*."""
        authority = self.authority
        if host is None or authority is None or not self.web:
            return False
        usual = _PORTS[self.scheme]
        return (authority.name, authority.port or usual) == (host.name, host.port or usual)


def read_origin(text: str) -> Origin | None:
    """The origin that *text* is; None for ``null`` and for what is none."""
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        return None
    origin = Origin(*found.groups())
    return None if origin.web and origin.authority is None else origin


@dataclass(frozen=True, slots=True)
class Origins:
    """Pages that may use the server beside those of this machine."""

    listed: frozenset[str] = frozenset()  # ``app://obsidian.md``, ``vscode-webview://*``, ``null``

    def allow(self, text: str, host: str | None) -> bool:
        """True if a page from the origin *text* may ask the server as *host*."""
        if text == OPAQUE:
            return bool(self.listed & {OPAQUE, EVERY})
        origin = read_origin(text)
        if origin is None:
            return False
        return (
            origin.loopback
            or origin.is_at(None if host is None else read_authority(host))
            or not self.listed.isdisjoint(_patterns(origin))
        )

    @property
    def any_page(self) -> bool:
        """Pages from everywhere are allowed: a frame without an origin can be made by any."""
        return bool(self.listed & {OPAQUE, EVERY, "http://*", "https://*"})


@lru_cache(maxsize=256)
def is_allowed(origins: Origins, text: str, host: str | None) -> bool:
    """Verdict of *origins* on a page from *text* that asks the server as *host*."""
    return origins.allow(text, host)


def _patterns(origin: Origin) -> Iterable[str]:
    """All that could have been listed for *origin*."""
    place = origin.place
    yield EVERY
    yield f"{origin.scheme}://*"
    yield f"{origin.scheme}://{place}"
    for at, sign in enumerate(place):
        if sign == ".":
            yield f"{origin.scheme}://*{place[at:]}"


def origins_of(allowed: Iterable[str]) -> Origins:
    """The origins of ``--allow-origin``.  Raises ConfigError."""
    return Origins(frozenset(map(_read_allowed, allowed)))


def _read_allowed(text: str) -> str:
    """An origin or a pattern, as origins are compared."""
    plain = text.lower().removesuffix("/")
    if plain in {EVERY, OPAQUE}:
        return plain
    scheme, sep, place = plain.partition("://")
    named = place.removeprefix("*.") if place != EVERY else "any"
    origin = read_origin(f"{scheme}{sep}{named}")
    if origin is None:
        raise ConfigError(
            f"--allow-origin takes an origin such as 'https://chat.example.org', 'scheme://*', "
            f"'null' or '*', not '{text}'."
        )
    authority = origin.authority
    if origin.web and authority is not None and authority.port == _PORTS[scheme]:
        place = place.rpartition(":")[0]  # browsers leave the usual port out
    return f"{scheme}://{place}"
