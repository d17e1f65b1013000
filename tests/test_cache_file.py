"""A file is written whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gguf_fc.cache_file import write_atomically


def test_a_file_is_written_in_one_move_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(b"old")

    def parts() -> Iterator[bytes]:
        yield b"new "
        assert path.read_bytes() == b"old"
        yield b"text"

    write_atomically(path, parts())
    assert path.read_bytes() == b"new text"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"half"
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_atomically(tmp_path / "kept.json", parts())
    assert not list(tmp_path.iterdir())
