"""The server's certificate and private key, tried before the model is loaded."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from gguf_fc.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files that a TLS server needs; they belong together."""

    chain: Path
    key: Path


class _Locked(Exception):
    """The private key has a passphrase; nobody is there to be asked for it."""


def certificate_of(chain: Path | None, key: Path | None) -> Certificate | None:
    """The certificate of the settings; None: plain HTTP.  Raises ConfigError."""
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        missing = "--tls-cert" if chain is None else "--tls-key"
        raise ConfigError(f"HTTPS needs a certificate and its key: {missing} is missing.")
    for option, path in (("--tls-cert", chain), ("--tls-key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise ConfigError(f"{option} {path}: cannot be read: {error.strerror}.") from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key, _ask_nobody)
    except _Locked as error:
        raise ConfigError(f"--tls-key {key}: remove its passphrase; nobody can type it.") from error
    except ssl.SSLError as error:
        raise ConfigError(
            f"--tls-cert {chain} and --tls-key {key} are no certificate in PEM form and its key: "
            f"{error.reason or error}."
        ) from error
    return Certificate(chain, key)


def _ask_nobody() -> str:
    raise _Locked
