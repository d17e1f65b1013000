"""The example of docs/library.md runs and prints what it should; the names it gives are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gguf_fc
from gguf_fc.dialect import Dialect, Parser, Syntax
from gguf_fc.grammar import Grammar
from gguf_fc.rendering.renderer import Renderer

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "library.md").read_text()


def test_the_library_example_runs() -> None:
    code = PAGE.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("True")
    assert "get_weather {'city': 'Paris'}" in lines
    assert lines.count("True False") == 2


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:\w+\.)*(\w+)\(", PAGE))))
def test_a_function_that_the_page_names_can_be_called(name: str) -> None:
    owners = (gguf_fc, gguf_fc.dialect, Dialect, Parser, Syntax, Grammar, Renderer)
    assert any(callable(getattr(owner, name, None)) for owner in owners)
