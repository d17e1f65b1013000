"""The examples of CONTRIBUTING.md stand in the code as they are shown."""

from __future__ import annotations

import re

import pytest

from tests.support.server import ROOT

BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w/]+\.py)`")
PAGE = (ROOT / "CONTRIBUTING.md").read_text()


def examples() -> list[tuple[str, str]]:
    """Each block, and the file that was named last before it; of a diff, how it is now."""
    found = []
    for block in BLOCK.finditer(PAGE):
        file = FILE.findall(PAGE[: block.start()])[-1]
        now = block[2]
        if block[1] == "diff":
            now = re.sub(r"^-.*\n", "", now, flags=re.MULTILINE)
            now = re.sub(r"^[+ ]", "", now, flags=re.MULTILINE)
        found.append((file, now))
    return found


@pytest.mark.parametrize(("file", "text"), examples())
def test_an_example_stands_in_its_file(file: str, text: str) -> None:
    assert text in (ROOT / file).read_text()


def test_there_is_a_test_a_docstring_and_a_change() -> None:
    assert len(examples()) == PAGE.count("```") // 2 >= 5
