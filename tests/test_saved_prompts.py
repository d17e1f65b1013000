"""Evaluated prompts as files: whole or not there, private, bounded, and never trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gguf_fc.saved_prompts import StateFolder, clear_states, state_files

MODEL, OTHER = "0123456789abcdef", "fedcba9876543210"


def folder(root: Path, model: str = MODEL, max_bytes: int = 1 << 20) -> StateFolder:
    return StateFolder(root=root, model=model, title="tiny.gguf", max_bytes=max_bytes)


def age(path: Path, seconds: int) -> None:
    os.utime(path, (seconds, seconds))


def test_a_state_is_read_back_by_whoever_starts_next(tmp_path: Path) -> None:
    path = folder(tmp_path).write([1, 2, 3], 1, b"state", priority=2)
    (found,) = folder(tmp_path).files()
    assert found.path == path
    assert (found.tokens, found.start, found.priority) == ([1, 2, 3], 1, 2)
    assert found.model == "tiny.gguf"
    data = folder(tmp_path).read(found.path, found.tokens)
    assert data is not None
    assert bytes(data) == b"state"


def test_another_model_s_states_are_not_seen(tmp_path: Path) -> None:
    folder(tmp_path).write([1], 0, b"state", priority=0)
    assert folder(tmp_path, OTHER).files() == []
    assert len(list(state_files(tmp_path))) == 1


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    path = folder(tmp_path).write([1], 0, b"what a user wrote", priority=0)
    assert path
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700
    assert [other.name for other in path.parent.iterdir()] == [path.name], "nothing unfinished"


@pytest.mark.parametrize("cut", [0, 5, 18, 30, -1])
def test_a_file_that_is_cut_off_is_ignored_with_a_word(
    tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder(tmp_path).write([1, 2, 3], 0, b"state", priority=0)
    assert path
    path.write_bytes(path.read_bytes()[:cut])
    assert folder(tmp_path).files() == []
    assert "is ignored" in caplog.text


@pytest.mark.parametrize("at", range(0, 150, 7))
def test_no_damaged_byte_goes_unnoticed(tmp_path: Path, at: int) -> None:
    path = folder(tmp_path).write([1, 2, 3], 0, b"state" * 10, priority=0)
    assert path
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)
    states = [folder(tmp_path).read(file.path, [1, 2, 3]) for file in folder(tmp_path).files()]
    assert states in ([], [None], [b"state" * 10])


def test_a_state_of_other_tokens_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder(tmp_path).write([1, 2], 0, b"state", priority=0)
    assert path
    assert folder(tmp_path).read(path, [1, 3]) is None
    assert "other tokens" in caplog.text
    renamed = path.rename(path.with_name(f"{'0' * 32}.0.state"))
    assert folder(tmp_path).files() == []
    assert folder(tmp_path).read(renamed.with_name("gone"), [1, 2]) is None


def test_foreign_files_are_neither_read_nor_deleted(tmp_path: Path) -> None:
    own = folder(tmp_path, max_bytes=1)
    path = own.write([1], 0, b"state", priority=0)
    assert path
    foreign = path.with_name("notes.state")
    foreign.write_text("mine")
    assert own.files() == []
    clear_states(tmp_path)
    assert foreign.read_text() == "mine"


def test_what_is_worth_least_and_oldest_goes_when_there_is_too_much(tmp_path: Path) -> None:
    size = 1000
    roomy = folder(tmp_path)
    for n, priority in enumerate((2, 0, 1, 1)):
        path = roomy.write([n], 0, bytes(size), priority=priority)
        assert path
        age(path, n)
    folder(tmp_path, OTHER, max_bytes=4 * size).write([9], 0, bytes(size), priority=1)
    left = {tuple(file.tokens) for file in state_files(tmp_path)}
    assert left == {(0,), (3,), (9,)}


def test_use_makes_a_state_younger_and_worth_more(tmp_path: Path) -> None:
    own = folder(tmp_path)
    path = own.write([1], 0, b"state", priority=0)
    assert path
    age(path, 1)
    better = own.touch(path, 2)
    (found,) = own.files()
    assert (found.path, found.priority) == (better, 2)
    assert found.used > 1
    assert own.touch(path.with_name("gone"), 1) == path.with_name("gone")


def test_a_folder_that_cannot_be_made_costs_only_the_state(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "states").write_text("in the way")
    assert folder(tmp_path).write([1], 0, b"state", priority=0) is None
    assert "cannot be written" in caplog.text


def test_clear_leaves_nothing_of_any_model(tmp_path: Path) -> None:
    for model in (MODEL, OTHER):
        folder(tmp_path, model).write([1, 2], 0, b"state", priority=0)
    n_files, n_bytes = clear_states(tmp_path)
    assert n_files == 2
    assert n_bytes > 2 * len(b"state")
    assert clear_states(tmp_path) == (0, 0)
    assert list(state_files(tmp_path)) == []


def test_what_a_killed_process_left_unfinished_is_swept_away(tmp_path: Path) -> None:
    own = folder(tmp_path)
    path = own.write([1], 0, b"state", priority=0)
    assert path
    old, fresh = (path.with_suffix(f".{pid}") for pid in (11, 12))
    for left in (old, fresh):
        left.write_bytes(b"half")
    age(old, 1)
    assert len(own.files()) == 1
    assert not old.exists()
    assert fresh.exists(), "somebody may be writing it"
    clear_states(tmp_path)
    assert not fresh.exists()
