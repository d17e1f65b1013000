"""API keys: where they come from, and whose key a request carries.

Keys stand in a file or in an environment variable, never on the command line, which every user of
the machine can read.  Kept are only their digests, under a secret of this process; no message and
no log has more of a key than its name.
"""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gguf_fc.errors import ConfigError

HEADERS = frozenset({b"x-api-key", b"api-key"})  # that hold a key and nothing else
NAME = re.compile(r"[\w.@-]{1,64}", re.ASCII)
KEY = re.compile(r"[!-+\--~]+")  # visible characters of ASCII but the comma

RawHeaders = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by its digest, and the name of whoever has it."""

    name: str
    digest: bytes = field(repr=False)


class ApiKeys:
    """The keys that are accepted."""

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._secret = os.urandom(32)
        self._keys = [ApiKey(name, self._digest(key.encode())) for name, key in named]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the keys, each once: while a key is replaced, both have the name."""
        return tuple(dict.fromkeys(key.name for key in self._keys))

    def name_of(self, headers: RawHeaders) -> str | None:
        """Name of the key that *headers* carry; None if they carry no accepted one.

        All keys are compared with all that was sent, whatever fits: the time says nothing.
        """
        found: str | None = None
        for digest in map(self._digest, presented(headers)):
            for key in self._keys:
                if hmac.compare_digest(key.digest, digest):
                    found = key.name
        return found

    def _digest(self, key: bytes) -> bytes:
        return hmac.digest(self._secret, key, "sha256")


def presented(headers: RawHeaders) -> list[bytes]:
    """Keys that *headers* carry: a bearer's token, or one of the headers that are only a key."""
    found = []
    for name, value in headers:
        if name in HEADERS:
            found.append(value.strip())
        elif name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                found.append(token.strip())
    return [key for key in found if key]


def read_keys(text: str | None, path: Path | None) -> ApiKeys | None:
    """The keys in *text*, comma-separated, and in the file *path*; None: there is neither.

    Raises ConfigError, also where there is a place for keys and none in it.
    """
    if text is None and path is None:
        return None
    named = [] if text is None else _of_variable(text)
    if path is not None:
        named += _of_file(path)
    return ApiKeys(named)


def _of_variable(text: str) -> list[tuple[str, str]]:
    items = [item.split() for item in text.split(",") if item.strip()]
    # A key may have a name before it, as in the file.
    named = [item if len(item) != 1 else [f"key-{n}", *item] for n, item in enumerate(items, 1)]
    return _checked(list(enumerate(named, 1)), "GGUF_FC_API_KEY: key")


def _of_file(path: Path) -> list[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"--api-key-file {path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"--api-key-file {path}: not a text file in UTF-8.") from error
    lines = [(n, _words(line)) for n, line in enumerate(text.splitlines(), 1)]
    return _checked([(n, words) for n, words in lines if words], f"--api-key-file {path}: line")


def _words(line: str) -> list[str]:
    """Words of *line* up to one that begins a comment; a key may have a ``#`` within."""
    words = line.split()
    comment = next((n for n, word in enumerate(words) if word.startswith("#")), None)
    return words[:comment]


def _checked(lines: Sequence[tuple[int, Sequence[str]]], where: str) -> list[tuple[str, str]]:
    """Names and keys.  No message quotes what may be a key."""
    if not lines:
        raise ConfigError(f"{where.rpartition(':')[0]} holds no key.")
    owners: dict[str, str] = {}
    for n, words in lines:
        if len(words) != 2:  # noqa: PLR2004 - a name and a key
            raise ConfigError(f"{where} {n} must be a name and a key: 'NAME KEY'.")
        name, key = words
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{where} {n}: a name has up to 64 letters, digits and '.', '_', '-'."
            )
        if not KEY.fullmatch(key):
            raise ConfigError(f"{where} {n}: a key has only visible ASCII characters, no comma.")
        if owners.setdefault(key, name) != name:
            raise ConfigError(f"{where} {n}: the key of '{name}' is also that of '{owners[key]}'.")
    return [(name, key) for key, name in owners.items()]


def others_can_read(path: Path) -> bool:
    """True if the file *path*, which is this user's, can be read by others of the machine."""
    found = path.stat()
    return found.st_uid == os.getuid() and bool(found.st_mode & (stat.S_IRGRP | stat.S_IROTH))
