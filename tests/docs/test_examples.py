"""Every program of docs/examples runs and prints what its README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT, Server

FOLDER = ROOT / "docs" / "examples"
SECTION = re.compile(r"^## (\w+\.py)\n.*?```\n(.*?)```", re.DOTALL | re.MULTILINE)
PRINTS: dict[str, str] = dict(SECTION.findall((FOLDER / "README.md").read_text()))
WITHOUT_SERVER = {"library.py", "protocol.py"}


@pytest.mark.parametrize("name", sorted(PRINTS))
def test_an_example_prints_what_the_page_says(name: str, server: Server, tmp_path: Path) -> None:
    arguments = () if name in WITHOUT_SERVER else (server.url,)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / name), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == PRINTS[name], done.stderr


def test_every_example_is_on_the_page() -> None:
    assert set(PRINTS) == {path.name for path in FOLDER.glob("*.py")}
