"""Access by the settings: which keys, hosts and origins, and where a key cannot be missing."""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.config import Settings
from gguf_fc.errors import ConfigError
from gguf_fc.server.access.guard import Access
from gguf_fc.server.access.hosts import hosts_of
from gguf_fc.server.access.keys import read_keys
from gguf_fc.server.access.listeners import Place
from gguf_fc.server.access.origins import origins_of


def access_of(settings: Settings, places: Sequence[Place]) -> Access:
    """Access to *places*; none of them: to a Unix socket.  Raises ConfigError."""
    if settings.uds is not None and settings.host != Settings().host:
        raise ConfigError(f"--uds listens on a file instead of --host {settings.host}; give one.")
    keys = read_keys(settings.api_key, settings.api_key_file)
    exposed = not all(place.loopback for place in places)
    if keys and settings.insecure_no_key:
        raise ConfigError("--insecure-no-key contradicts the API keys; give one or the other.")
    if exposed and not keys and not settings.insecure_no_key:
        raise ConfigError(
            f"--host {settings.host} lets other machines in, which needs API keys "
            "(--api-key-file FILE or GGUF_FC_API_KEY), or else --insecure-no-key."
        )
    hosts = hosts_of(
        settings.allow_host,
        settings.host,
        keyed=bool(keys),
        open_to_all=settings.insecure_no_key,
    )
    return Access(hosts, origins_of(settings.allow_origin), keys)
