"""Every snippet of docs/clients.md runs as it stands and prints what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.server import ROOT

ADDRESS = "http://127.0.0.1:8080"
NODE = Path(__file__).parent / "node"
NEED_OPENAI_2 = {"LlamaIndex", "Instructor"}  # and so run in the environment of openai_2/
SNIPPET = re.compile(r"```(python|js)\n(.*?)```\n\nprints\n\n```\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Snippet:
    """A program of the page, and what it prints."""

    title: str
    language: str
    code: str
    prints: str


def snippets() -> list[Snippet]:
    """All snippets of the page."""
    sections = (ROOT / "docs" / "clients.md").read_text().split("\n## ")[1:]
    return [
        Snippet(section.partition("\n")[0], language, code, prints)
        for section in sections
        for language, code, prints in SNIPPET.findall(section)
    ]


def snippets_for_this_environment() -> list[Snippet]:
    """Snippets whose client can be installed beside the client of OpenAI that is installed here."""
    old = version("openai").startswith("2.")
    return [snippet for snippet in snippets() if (snippet.title in NEED_OPENAI_2) == old]


@pytest.mark.parametrize(
    "snippet", snippets_for_this_environment(), ids=lambda snippet: snippet.title
)
def test_a_snippet_prints_what_the_page_says(snippet: Snippet, root: str, tmp_path: Path) -> None:
    assert ADDRESS in snippet.code
    code = snippet.code.replace(ADDRESS, root)
    if snippet.language == "python":
        program = tmp_path / "snippet.py"
        command = [sys.executable, str(program)]
    else:
        if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
            pytest.skip("node or its packages are not installed: scripts/install-clients")
        (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
        program = tmp_path / "snippet.mjs"
        command = ["node", str(program)]
    program.write_text(code)
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "AI_SDK_LOG_WARNINGS": "false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.stdout == snippet.prints, done.stderr


def test_every_snippet_of_the_page_is_run() -> None:
    page = (ROOT / "docs" / "clients.md").read_text()
    assert len(snippets()) == page.count("```python\n") + page.count("```js\n")
