"""Analyses that outlive the process: the same again, or made anew."""

from __future__ import annotations

import asyncio
import logging
import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.config import Settings
from gguf_fc.dialect import Learned
from gguf_fc.dialect.learn.analysis import FileFacts, analyse
from gguf_fc.dialect.learn.thinking import Amount, Switch, Thinking
from gguf_fc.dialect.prompt.generic import generic_syntax
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.render import probe_clock
from gguf_fc.models.analyses import (
    AnalysisFolder,
    analysis_files,
    clear_analyses,
    own_version,
)
from gguf_fc.models.select_models import open_pool
from tests.support.gguf_files import write_gguf
from tests.support.templates import NAMES, template_text

KEY = "0" * 32
understood = partial(analyse, clock=probe_clock)
PLAIN = Learned(needs=Needs(), syntax=generic_syntax(), native=False)
VALUES = st.one_of(st.booleans(), st.integers(0, 9), st.text())
SWITCHES = st.builds(Switch, name=st.text(), on=VALUES, off=VALUES)
LEARNED = st.builds(
    Learned,
    thinking=st.builds(
        Thinking,
        switches=st.lists(SWITCHES, max_size=2).map(tuple),
        amounts=st.lists(st.from_type(Amount), max_size=2).map(tuple),
    ),
)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(LEARNED)
def test_what_was_learned_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, learned: Learned
) -> None:
    folder = AnalysisFolder(tmp_path_factory.getbasetemp(), "1")
    folder.write(KEY, learned)
    assert folder.read(KEY) == learned


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": "1", "learned": {"needs": 1}}'])
def test_a_damaged_file_is_ignored_with_one_line_and_made_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    text, store = FileFacts(text=template_text(NAMES[0])), AnalysisFolder(tmp_path, "1")
    found = understood(text, store=store)
    (path,) = analysis_files(tmp_path)
    path.write_bytes(damage)
    assert understood(text, store=store).learned == found.learned
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        f"cache file={path} is ignored, and is now {path.name}.damaged"
    ]
    assert store.read(path.stem) == found.learned


def test_what_another_version_has_learned_is_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    AnalysisFolder(tmp_path, "1").write(KEY, PLAIN)
    store = AnalysisFolder(tmp_path, "2")
    assert store.read(KEY) is None
    assert ["another version" in record.getMessage() for record in caplog.records] == [True]
    store.write(KEY, PLAIN)
    assert store.read(KEY) == PLAIN
    assert len(analysis_files(tmp_path)) == 1


def test_a_version_is_that_of_our_own_files(tmp_path: Path) -> None:
    (tmp_path / "dialect").mkdir()
    first = own_version(tmp_path)
    (tmp_path / "dialect" / "derive.py").write_text("x = 1")
    assert own_version(tmp_path) != first
    assert own_version() == own_version()
    assert re.fullmatch("[0-9a-f]{32}", own_version())


def test_a_version_covers_files_in_subfolders_and_where_they_stand(tmp_path: Path) -> None:
    inner = tmp_path / "dialect" / "learn"
    inner.mkdir(parents=True)
    versions = [own_version(tmp_path)]
    (inner / "derive.py").write_text("x = 1")
    versions.append(own_version(tmp_path))
    (inner / "derive.py").rename(tmp_path / "dialect" / "derive.py")
    versions.append(own_version(tmp_path))
    assert len(set(versions)) == 3


def test_a_version_does_not_depend_on_what_the_interpreter_compiled(tmp_path: Path) -> None:
    (tmp_path / "dialect" / "__pycache__").mkdir(parents=True)
    before = own_version(tmp_path)
    (tmp_path / "dialect" / "__pycache__" / "derive.cpython-311.pyc").write_text("")
    assert own_version(tmp_path) == before


def test_what_cannot_be_written_is_said_and_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = AnalysisFolder(tmp_path / "file", "1")
    store.write(KEY, PLAIN)
    assert "cannot be written" in caplog.text
    assert store.read(KEY) is None
    AnalysisFolder(tmp_path, "1").write(
        KEY, Learned(needs=Needs(), syntax=PLAIN.syntax, native=False, header="\ud800")
    )
    assert analysis_files(tmp_path) == []


def test_clearing_takes_only_what_is_ours(tmp_path: Path) -> None:
    AnalysisFolder(tmp_path, "1").write(KEY, PLAIN)
    folder = tmp_path / "analyses"
    (folder / f"{KEY}.123").write_text("never finished")
    (folder / "notes.json").write_text("{}")
    assert clear_analyses(tmp_path) == 2
    assert [path.name for path in folder.iterdir()] == ["notes.json"]


def test_the_server_keeps_analyses_unless_told_not_to(tmp_path: Path) -> None:
    model = str(write_gguf(tmp_path / "x.gguf"))
    for disk_cache in (False, True):
        pool = open_pool(Settings(model=model, cache_dir=tmp_path, disk_cache=disk_cache))
        asyncio.run(pool.outline("x")).renderer.close()
        assert len(analysis_files(tmp_path)) == disk_cache
