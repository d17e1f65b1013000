"""Atomic writes: under another name, and then renamed, so that a file is whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write *parts* to *path*, readable by its owner only.  Raises OSError; leaves nothing then.

    The temporary name ends with the process's number, so two processes may write the same file.
    """
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        with open(unfinished, "wb", opener=_private) as file:
            file.writelines(parts)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)
