"""docs/environment.md lists every environment variable that the code reads, and no other."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from gguf_fc.config import PREFIX, Settings
from tests.support.server import ROOT

PAGE = (ROOT / "docs" / "environment.md").read_text()
READ = re.compile(r"""environ(?:\.get)?[\[(]["'](\w+)""")  # in Python
EXPANDED = re.compile(r"\$\{?([A-Z][A-Z_]+)")  # in the shell
OURS = re.compile(r"\bGGUF_FC_[A-Z_]*[A-Z]\b")
HUB = re.compile(r"\bHF_[A-Z_]+\b")  # named in our messages and tests, read by huggingface_hub


def documented() -> set[str]:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def read_by_the_code() -> set[str]:
    package = texts(ROOT / "gguf_fc")
    programs = [*package, *texts(ROOT / "scripts"), *texts(ROOT / "tests" / "clients")]
    shell = [text for text in programs if re.match(r"#!.*\b(ba)?sh\b", text)]
    return {
        *(f"{PREFIX}{field.name.upper()}" for field in dataclasses.fields(Settings)),
        *found(READ, programs),
        *found(OURS, programs),
        *found(EXPANDED, shell),
        *found(HUB, [*package, *texts(ROOT / "tests" / "models")]),
    }


def texts(folder: Path) -> list[str]:
    """The programs in *folder*: Python, and files without an ending that begin with ``#!``."""
    return [
        text
        for path in folder.rglob("*")
        if path.suffix in {".py", ""} and path.is_file() and "node_modules" not in path.parts
        for text in [path.read_text()]
        if path.suffix == ".py" or text.startswith("#!")
    ]


def found(pattern: re.Pattern[str], programs: list[str]) -> Iterator[str]:
    return (name for text in programs for name in pattern.findall(text))


def test_the_page_lists_every_variable_that_is_read() -> None:
    assert read_by_the_code() - documented() == set()


def test_the_page_lists_no_other() -> None:
    assert documented() - read_by_the_code() == set()


# The model is an argument; a key must not stand on the command line.
WITHOUT_FLAG = {"model", "api_key"}


def test_every_setting_stands_beside_its_flag() -> None:
    names = {field.name for field in dataclasses.fields(Settings)}
    for name in names - WITHOUT_FLAG:
        flag = name.replace("_", "-")
        row = next(line for line in PAGE.splitlines() if f"`{PREFIX}{name.upper()}`" in line)
        assert re.search(rf"`--(no-)?{flag}`", row), row
