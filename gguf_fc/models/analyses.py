"""Kept analyses of chat templates, as files: ``CACHE/analyses/KEY.json``, one for a template.

A file names the version of our code that wrote it; one of another version, or one that is damaged,
is not used but written anew.  Knows nothing of what is in an analysis.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gguf_fc.cache_file import (
    SET_ASIDE,
    Unreadable,
    own_folder,
    read_json,
    set_aside,
    write_atomically,
)
from gguf_fc.dialect import Learned

logger = logging.getLogger(__name__)

FOLDER = "analyses"
# A number: of the process that writes it.
NAME = re.compile(rf"[0-9a-f]{{32}}\.(json({re.escape(SET_ASIDE)})?|\d+)")
_PACKAGE = Path(__file__).parent.parent
_SOURCES = ("dialect", "grammar")  # what an analysis depends on


class _Kept(msgspec.Struct, frozen=True):
    version: str
    learned: msgspec.Raw


_LEARNED = msgspec.json.Decoder(Learned)


@dataclass(frozen=True, slots=True)
class AnalysisFolder:
    """The analyses under the cache folder *root* that were made by this *version*."""

    root: Path
    version: str

    def read(self, key: str) -> Learned | None:
        """The analysis of the template *key*; None if there is none that can be used."""
        path = self._path(key)
        if (kept := read_json(path, _Kept)) is None:
            return None
        if kept.version != self.version:
            logger.info("analysis file=%s is of another version; it is made anew", path)
            return None
        try:
            return _LEARNED.decode(kept.learned)
        except Unreadable as error:
            set_aside(path, error)
            return None

    def write(self, key: str, learned: Learned) -> None:
        """Keep *learned* for the template *key*; a warning is logged if that fails."""
        path = self._path(key)
        try:
            kept = _Kept(self.version, msgspec.Raw(msgspec.json.encode(learned)))
            own_folder(self.root, FOLDER)
            write_atomically(path, [msgspec.json.encode(kept)])
        except (OSError, ValueError) as error:
            logger.warning("analysis file=%s cannot be written: %s", path, error)

    def _path(self, key: str) -> Path:
        return self.root / FOLDER / f"{key}.json"


def analysis_files(root: Path) -> list[Path]:
    """Files under the cache folder *root*, whatever their version, those begun included."""
    return sorted(path for path in (root / FOLDER).glob("*") if NAME.fullmatch(path.name))


def clear_analyses(root: Path) -> int:
    """Delete all of them; return how many files that were."""
    files = analysis_files(root)
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def own_version(package: Path = _PACKAGE) -> str:
    """A fingerprint of our own files on which an analysis depends, in every subfolder.

    It changes when one of them is edited, added, renamed or moved.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(path for part in _SOURCES for path in (package / part).rglob("*.*")):
        if path.parent.name == "__pycache__":
            continue  # written by the interpreter, at its own time
        status, place = path.stat(), path.relative_to(package).as_posix()
        digest.update(f"{place} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
