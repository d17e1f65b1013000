"""Analyses that outlive the process: the same again, or made anew."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc import Dialect
from gguf_fc.config import Settings
from gguf_fc.dialect import Learned
from gguf_fc.dialect.analysis import analyse, key_of
from gguf_fc.dialect.chat import probe_clock
from gguf_fc.dialect.generic import generic_syntax
from gguf_fc.dialect.history import Needs
from gguf_fc.dialect.thinking import Amount, Switch, Thinking
from gguf_fc.errors import TemplateError
from gguf_fc.models.analyses import (
    AnalysisFolder,
    analysis_files,
    clear_analyses,
    own_version,
)
from gguf_fc.models.shelf import open_shelf
from tests.support.gguf_files import write_gguf
from tests.support.templates import NAMES, template_text

KEY = "0" * 32
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


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A template that nobody renders."""

    text: str

    def render(self, *_: object, **__: object) -> str:
        raise AssertionError(self.text)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(LEARNED)
def test_what_was_learned_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, learned: Learned
) -> None:
    folder = AnalysisFolder(tmp_path_factory.getbasetemp(), "1")
    folder.write(KEY, learned)
    assert folder.read(KEY) == learned


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_analysed_once(tmp_path: Path, name: str) -> None:
    text, store = template_text(name), AnalysisFolder(tmp_path, "1")
    first = Dialect.from_template(text, store=store)
    again = Dialect.from_template(text, store=store, compile_template=Unrendered)
    assert (again.syntax, again.evidence, again.native) == (
        first.syntax,
        first.evidence,
        first.native,
    )
    assert again.needs == first.needs
    assert again.thinking == first.thinking
    other = key_of(text, "", "another end")
    assert store.read(other) is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version": "1", "learned": {"needs": 1}}'])
def test_a_damaged_file_is_ignored_with_one_line_and_made_anew(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    text, store = template_text(NAMES[0]), AnalysisFolder(tmp_path, "1")
    found = Dialect.from_template(text, store=store)
    (path,) = analysis_files(tmp_path)
    path.write_bytes(damage)
    assert Dialect.from_template(text, store=store).syntax == found.syntax
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        f"analysis file={path} cannot be used, and is made anew"
    ]
    again = Dialect.from_template(text, store=store, compile_template=Unrendered)
    assert again.syntax == found.syntax


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


def test_a_prompt_that_may_end_with_a_date_is_looked_at_every_time(tmp_path: Path) -> None:
    text = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}{{ strftime_now('%Y-%m-%d') }} assistant: {% endif %}"
    )
    Dialect.from_template(text, store=AnalysisFolder(tmp_path, "1"))
    assert analysis_files(tmp_path) == []


def test_a_template_that_fails_is_not_kept(tmp_path: Path) -> None:
    def fails(text: str) -> Unrendered:
        raise TemplateError(text)

    found = analyse(
        "broken",
        bos_token="",
        eos_token="",
        clock=probe_clock,
        compile_template=fails,
        store=AnalysisFolder(tmp_path, "1"),
    )
    assert "broken" in found.warnings[0]
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
        pool = open_shelf(Settings(model=model, cache_dir=tmp_path, disk_cache=disk_cache))
        asyncio.run(pool.outline("x")).renderer.close()
        assert len(analysis_files(tmp_path)) == disk_cache
