"""Files of the cache folder: written whole, opened with caution, set aside where they are damaged.

Others can write there too: another version, another server, a full disk, a stranger.  So links are
not followed below the cache folder, only regular files are opened, and none is trusted to be ours.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

logger = logging.getLogger(__name__)

MAX_JSON = 16 << 20  # bytes of a JSON file of ours; a larger one is none
SET_ASIDE = ".damaged"

T = TypeVar("T")

# Errors of reading a file that is not what it should be; msgspec's are ValueErrors, and of JSON
# that is nested too deep it says RecursionError.
Unreadable = (OSError, ValueError, RecursionError)


def own_folder(root: Path, *names: str) -> Path:
    """Make the folder *names* under the cache folder *root*, for its owner only; return its path.

    Raises OSError; a link in place of a folder is one, too.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = root
    for name in names:
        folder /= name
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise NotADirectoryError(f"{folder} is a link")
    return folder


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write *parts* to *path*, readable by its owner only.  Raises OSError; leaves nothing then.

    The temporary name ends with the process's number, so two processes may write the same file.
    """
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        with suppress(FileNotFoundError):  # an earlier process had the same number
            unfinished.unlink()
        with open(unfinished, "xb", opener=_private) as file:
            file.writelines(parts)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def open_regular(path: Path) -> BinaryIO:
    """Open *path* for reading.  Raises OSError, and ValueError if it is no regular file."""
    file = open(path, "rb", opener=_cautious)  # noqa: SIM115 - for the caller
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise ValueError("it is no regular file")


def read_json(path: Path, kind: type[T]) -> T | None:
    """Read *path* as *kind*; None if there is none, or if it is damaged and was set aside."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_JSON + 1)
        if len(data) > MAX_JSON:
            raise ValueError("it is too large")
        return msgspec.json.decode(data, type=kind)
    except FileNotFoundError:
        return None
    except Unreadable as error:
        set_aside(path, error)
        return None


def set_aside(path: Path, reason: object) -> None:
    """Rename *path*, so that it is not met again; what stood there under that name is gone."""
    aside = path.with_name(path.name + SET_ASIDE)
    try:
        path.replace(aside)
    except OSError as error:
        logger.warning("cache file=%s is ignored: %s; not renamed: %s", path, reason, error)
    else:
        logger.warning("cache file=%s is ignored, and is now %s: %s", path, aside.name, reason)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK, mode=0o600)


def _cautious(path: str, flags: int) -> int:
    """Open without following a link, and without waiting for the other end of a pipe."""
    return os.open(path, flags | _NO_LINK | getattr(os, "O_NONBLOCK", 0))


_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none of these
