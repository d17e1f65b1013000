"""Which settings are tried, and what is remembered of them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from gguf_fc.job import Load
from gguf_fc.worker.selftest import SelfTest


@pytest.fixture
def load(tmp_path: Path) -> Load:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"x")
    return Load(path=str(path))


def test_first_as_asked_then_without_repacking(load: Load, tmp_path: Path) -> None:
    tried = list(SelfTest(load, tmp_path).settings())
    assert tried == [load, replace(load, use_extra_bufts=False)]


def test_what_was_asked_to_be_safe_is_tried_once(load: Load, tmp_path: Path) -> None:
    safe = replace(load, use_extra_bufts=False)
    assert list(SelfTest(safe, tmp_path).settings()) == [safe]


@pytest.mark.parametrize("works", [True, False])
def test_what_worked_is_used_again_without_a_test(
    load: Load, tmp_path: Path, *, works: bool
) -> None:
    SelfTest(load, tmp_path / "new").remember(replace(load, use_extra_bufts=works))
    again = SelfTest(load, tmp_path / "new").settings()
    assert next(again) == replace(load, use_extra_bufts=works, self_test=False)
    assert next(again) == load  # if that crashed all the same


def test_a_file_that_changed_is_tested_again(load: Load, tmp_path: Path) -> None:
    SelfTest(load, tmp_path).remember(load)
    Path(load.path).write_bytes(b"other")
    assert next(SelfTest(load, tmp_path).settings()).self_test


def test_a_cache_that_cannot_be_used_is_a_warning(
    load: Load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    selftest = SelfTest(load, tmp_path)
    selftest._file.write_text("{")
    assert next(selftest.settings()) == load
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        SelfTest(load, tmp_path / "file" / "folder").remember(load)
    assert "is ignored" in caplog.text
    assert "cannot be written" in caplog.text
