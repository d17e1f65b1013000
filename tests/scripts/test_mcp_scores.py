"""The check of lists of tools in small: one list, one template of ours, a few calls."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ROOT
from tests.support.templates import FOLDER
from tests.support.visible_tools import names_of, tools_of, unseen

pytestmark = pytest.mark.live


def scores(data: Path, tools: Any) -> subprocess.CompletedProcess[str]:
    (data / "templates").mkdir()
    (data / "mcp").mkdir()
    shutil.copy(FOLDER / "tagged.jinja", data / "templates")
    (data / "mcp" / "some.json").write_text(json.dumps(tools))
    command = [sys.executable, "scripts/mcp_scores.py", "--data", str(data), "--calls", "3"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_lists_compile_are_shown_and_called(tmp_path: Path) -> None:
    done = scores(tmp_path, tools_of("reference", 3))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1/1" in done.stdout
    assert "0 wrong" in done.stdout


def test_loosened_keywords_are_listed(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string", "format": "odd"}}}
    done = scores(tmp_path, [{"type": "function", "function": {"name": "f", "parameters": schema}}])
    assert "loosened: some: tools[0].function.parameters.properties.q: format" in done.stdout


def test_a_name_that_is_not_shown_is_found() -> None:
    names = names_of(tools_of("enum", 1))
    assert "zq_north_0x" in names
    assert unseen(names, " ".join(names)) == []
    assert unseen({"id"}, "the ideal order_id") == ["id"]
    assert unseen({"it's", "a b"}, "it's 'a b'") == []
