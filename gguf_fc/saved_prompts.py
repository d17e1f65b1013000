"""Files of saved prompts: their format, their folder, the order in which they are deleted.

Knows neither models nor what the tokens mean: a state is bytes, and the tokens it stands for.
``CACHE/states/MODEL/HASH.PRIORITY.state``: the folder is named for a model and its settings, the
file for the tokens.  What has such a name and is damaged is set aside with a warning; it counts,
and is deleted first, when room is needed.  All else is left alone.

    magic | length of the head | head (JSON) | tokens (int32) | state

Against damage there is a digest, of the fastest kind: to check hundreds of megabytes is a good part
of what a request waits for after a restart.  It keeps no attacker out, nor would any other kind:
whoever can write the file can write a digest that fits.
States hold what users wrote: files are readable by their owner only.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import os
import re
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import xxhash

from gguf_fc.cache_file import (
    SET_ASIDE,
    Unreadable,
    open_regular,
    own_folder,
    set_aside,
    write_atomically,
)

logger = logging.getLogger(__name__)

MAGIC = b"gguf-fc state 2\n"
FOLDER = "states"
ENDING = ".state"
MODEL = re.compile(r"[0-9a-f]{16}")
NAME = re.compile(r"[0-9a-f]{32}\.\d\.state")
DAMAGED = re.compile(rf"{NAME.pattern}{re.escape(SET_ASIDE)}")
UNFINISHED = re.compile(r"[0-9a-f]{32}\.\d\.\d+")  # ends with the writing process's number
MAX_HEAD = 64 << 10  # bytes
MAX_TOKENS = 1 << 24  # of a state; more than any context has
UNFINISHED_SECONDS = 600  # after which nobody is writing it any more


_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 60)]


class _Head(msgspec.Struct, frozen=True):
    model: str  # its file's name, for people
    start: _Count  # the state is that of the tokens from here on
    n_tokens: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]  # from the first
    n_bytes: _Count  # of the state
    digest: str  # of tokens and state


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFile:
    """File that looks whole; its state has not been read yet."""

    path: Path
    model: str
    start: int
    tokens: list[int]  # from the first, those before *start* too
    n_bytes: int  # of the file
    priority: int
    used: float  # when, in seconds since the epoch


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Files of one model, and the cap on those of all models."""

    root: Path  # the cache folder
    model: str  # a fingerprint: 16 hexadecimal digits
    title: str  # the model's name for people
    max_bytes: int

    @property
    def path(self) -> Path:
        """Folder of this model's files."""
        return self.root / FOLDER / self.model

    def files(self) -> list[StateFile]:
        """Files of this model; those that a killed process left unfinished are deleted."""
        _sweep(self.path)
        return [found for path in _named(self.path, NAME) if (found := _open(path))]

    def read(self, path: Path, tokens: Sequence[int]) -> memoryview | None:
        """State in *path* if it is whole and stands for *tokens*, else None with a warning.

        It is mapped, not copied: fresh memory for hundreds of megabytes takes a second.
        """
        try:
            with open_regular(path) as file:
                head = _read_head(file)
                kept, begin = file.read(4 * head.n_tokens), file.tell()
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            data = memoryview(mapped)[begin : begin + head.n_bytes]
            if head.digest != _digest(kept, data):
                raise ValueError("it is damaged")
        except FileNotFoundError:
            logger.warning("state file=%s is gone", path)
            return None
        except Unreadable as error:
            set_aside(path, error)
            return None
        if kept != _packed(tokens):
            logger.warning("state file=%s stands for other tokens; it is not used", path)
            return None
        return data

    def write(
        self, tokens: Sequence[int], start: int, data: bytes | memoryview, priority: int
    ) -> Path | None:
        """Write *data*, the state of *tokens* from *start* on; None with a warning if it fails."""
        kept = _packed(tokens)
        head = msgspec.json.encode(
            _Head(self.title, start, len(tokens), len(data), _digest(kept, data))
        )
        path = self.path / f"{_name(kept)}.{priority}{ENDING}"
        try:
            own_folder(self.root, FOLDER, self.model)
            write_atomically(path, (MAGIC, len(head).to_bytes(4, "little"), head, kept, data))
        except OSError as error:
            logger.warning("state file=%s cannot be written: %s", path, error)
            return None
        self._shrink()
        return path

    def touch(self, path: Path, priority: int) -> Path:
        """Note a use of *path*, whose priority is *priority* now; its new name."""
        better = path.with_name(f"{path.name.split('.')[0]}.{priority}{ENDING}")
        try:
            os.utime(path)
            path.rename(better)
        except OSError as error:
            logger.debug("state file=%s is gone: %s", path, error)
            return path
        return better

    def _shrink(self) -> None:
        """Delete by priority, then the oldest first, until all models' files are within the cap."""
        files = _sizes(self.root)
        excess = sum(status.st_size for _, status in files) - self.max_bytes
        for path, status in sorted(files, key=lambda item: (_priority(item[0]), item[1].st_mtime)):
            if excess <= 0:
                return
            excess -= status.st_size
            _delete(path)


def state_files(root: Path) -> Iterator[StateFile]:
    """State files of all models under the cache folder *root*."""
    paths = (path for folder in _folders(root) for path in _named(folder, NAME))
    return (found for path in paths if (found := _open(path)))


def clear_states(root: Path) -> tuple[int, int]:
    """Delete every state under *root*, damaged ones too; the number of files and bytes."""
    files = _sizes(root)
    for folder in _folders(root):
        _sweep(folder, seconds=0)
    deleted = [status.st_size for path, status in files if _delete(path)]
    return len(deleted), sum(deleted)


def _folders(root: Path) -> list[Path]:
    """Folders of the models; whatever else lies there is left alone."""
    states = root / FOLDER
    folders = [] if states.is_symlink() else sorted(states.glob("*"))
    return [path for path in folders if MODEL.fullmatch(path.name) and not path.is_symlink()]


def _named(folder: Path, *names: re.Pattern[str]) -> list[Path]:
    """Files of *folder* with such names, in order."""
    if folder.is_symlink():
        return []
    return sorted(path for path in folder.glob("*") if any(n.fullmatch(path.name) for n in names))


def _sweep(folder: Path, seconds: float = UNFINISHED_SECONDS) -> None:
    """Delete unfinished files that nobody touched for so many *seconds*."""
    for path in _named(folder, UNFINISHED):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime >= seconds:
                path.unlink()


def _delete(path: Path) -> bool:
    """Delete the file *path*, if that can be done; what is no file is not ours."""
    try:
        path.unlink()
    except OSError as error:
        logger.debug("state file=%s cannot be deleted: %s", path, error)
        return False
    return True


def _sizes(root: Path) -> list[tuple[Path, os.stat_result]]:
    """Our files and their sizes; another server may be deleting some of them."""
    files = []
    for path in (path for folder in _folders(root) for path in _named(folder, NAME, DAMAGED)):
        with suppress(OSError):
            files.append((path, path.lstat()))
    return files


def _open(path: Path) -> StateFile | None:
    """Open *path* by its head; None with a warning if it is no whole file of ours."""
    try:
        with open_regular(path) as file:
            head = _read_head(file)
            tokens = array("i", file.read(4 * head.n_tokens))
            status = os.fstat(file.fileno())
            whole = file.tell() + head.n_bytes == status.st_size and len(tokens) == head.n_tokens
        if not whole or path.name.split(".")[0] != _name(tokens.tobytes()):
            raise ValueError("it is cut off or was renamed")
    except FileNotFoundError:
        return None
    except Unreadable as error:
        set_aside(path, error)
        return None
    return StateFile(
        path=path,
        model=head.model,
        start=head.start,
        tokens=tokens.tolist(),
        n_bytes=status.st_size,
        priority=_priority(path),
        used=status.st_mtime,
    )


def _read_head(file: BinaryIO) -> _Head:
    if file.read(len(MAGIC)) != MAGIC:
        raise ValueError("it is no state of this version")
    length = int.from_bytes(file.read(4), "little")
    if length > MAX_HEAD:
        raise ValueError("its head is too long")
    return msgspec.json.decode(file.read(length), type=_Head)


def _packed(tokens: Sequence[int]) -> bytes:
    assert sys.byteorder == "little", "no big-endian machine runs this"
    return array("i", tokens).tobytes()


def _digest(kept: bytes, data: bytes | memoryview) -> str:
    digest = xxhash.xxh3_128(kept)
    digest.update(data)
    return digest.hexdigest()


def _name(kept: bytes) -> str:
    return hashlib.blake2b(kept, digest_size=16).hexdigest()


def _priority(path: Path) -> int:
    """Priority of a file; what was set aside goes first."""
    return -1 if path.name.endswith(SET_ASIDE) else int(path.name.split(".")[1])
