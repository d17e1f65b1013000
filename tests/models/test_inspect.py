"""What ``inspect`` knows of a file and of a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.errors import ConfigError
from gguf_fc.models.inspect import inspect_model, inspect_template, inspection_text
from tests.support.gguf_files import write_gguf
from tests.support.templates import FOLDER, template_text


def test_a_template_is_shown_with_its_syntax_and_the_evidence_for_it() -> None:
    found = inspect_template(FOLDER / "tagged.jinja")
    text = inspection_text(found)
    syntax = text[text.index("\nsyntax\n") : text.index("\nevidence\n")]
    assert all(f"  {key}" in syntax for key in found["tools"]["syntax"])
    assert "<tool_call>" in syntax
    for item in found["tools"]["evidence"]:
        assert f"  {item['name']}: " in text
        assert item["evidence"] in text


def test_a_file_is_shown_with_its_own_template(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", template=template_text("tagged"))
    found = inspect_model(path)
    assert found["tools"]["native"]
    assert found["template"] == "in the file"
    lines = inspection_text(found).splitlines()
    assert f"file        {path}" in lines
    assert "context     4,096" in lines


def test_a_file_without_a_template_says_so(tmp_path: Path) -> None:
    found = inspect_model(write_gguf(tmp_path / "m.gguf", template=None))
    assert found["template"] == "none in the file; a plain one is used"
    assert not found["tools"]["native"]


def test_a_template_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        inspect_template(tmp_path / "no.jinja")


def test_what_can_be_set_of_reasoning_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "effort.jinja"
    effort = "{{ {'none': 1, 'high': 2, '': 3}[reasoning_effort or ''] + 1 }}"
    path.write_text(effort + template_text("tagged"))
    lines = inspection_text(inspect_template(path)).splitlines()
    assert "thinking    enable_thinking: True or False" in lines
    assert "thinking    reasoning_effort: none, high" in lines
