"""The pages on adding something: what they tell you to look for is there, and the example works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT

DOCS = ROOT / "docs"
GUIDES = ("add-a-template.md", "add-a-keyword.md", "add-a-protocol.md")
ROW = re.compile(r"^\| `([\w/.]+)` \| `([^|]+)` \|", re.MULTILINE)
ROWS = [row for guide in GUIDES for row in ROW.findall((DOCS / guide).read_text())]


@pytest.mark.parametrize(("path", "phrase"), ROWS)
def test_what_a_page_tells_you_to_look_for_is_there(path: str, phrase: str) -> None:
    assert phrase in (ROOT / path).read_text()


def test_the_pages_have_such_rows() -> None:
    assert len(ROWS) >= 12


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TEMPLATE = BLOCK.findall((DOCS / "add-a-template.md").read_text())


def block(language: str) -> str:
    """The only block of the page in *language*."""
    (found,) = (text for given, text in TEMPLATE if given == language)
    return str(found)


def shown() -> list[list[str]]:
    """The lines that each ``inspect`` of the page prints; those left out are left out."""
    printed = (text for language, text in TEMPLATE if not language)
    return [[line for line in text.splitlines() if line != "..."] for text in printed]


def inspected(package: Path, template: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "gguf_fc", "inspect", template.name],
        cwd=template.parent,
        env={"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_an_entry_makes_a_template_native(tmp_path: Path) -> None:
    template = tmp_path / "brackets.jinja"
    template.write_text(block("jinja"))
    shutil.copytree(
        ROOT / "gguf_fc", tmp_path / "gguf_fc", ignore=shutil.ignore_patterns("*.gguf", "*.pyc")
    )
    before, after = shown()
    assert in_order(before, inspected(tmp_path, template))
    with (tmp_path / "gguf_fc" / "dialect" / "learn" / "known.toml").open("a") as known:
        known.write("\n" + block("toml"))
    found = inspected(tmp_path, template)
    assert in_order(after, found)
    assert not in_order(before, found)


def in_order(lines: list[str], among: list[str]) -> bool:
    """Whether *lines* stand in *among*, one after the other."""
    rest = iter(among)
    return all(line in rest for line in lines)
