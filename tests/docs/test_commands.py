"""Commands that the pages tell you to type exist, with every option they are given."""

from __future__ import annotations

import argparse
import re
from itertools import chain
from pathlib import Path

import pytest

from gguf_fc.cli import _parser
from tests.support.server import ROOT

PAGES = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
OURS = re.compile(r"gguf-fc ([a-z]+)((?: [^`\n#|]*)?)")
OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
SCRIPT = re.compile(r"(?<![\w/.])scripts/[\w-]+(?:\.\w+)?")
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def options() -> dict[str, set[str]]:
    """The options of every command of ``gguf-fc``."""
    (commands,) = (
        action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    return {
        name: set(chain.from_iterable(action.option_strings for action in command._actions))
        for name, command in commands.choices.items()
    }


KNOWN = options()
WRONG_ON_PURPOSE = {"--prot"}  # the CHANGELOG shows what a misspelt option gets


def unknown(text: str) -> list[str]:
    """Options in *text* that their commands do not have."""
    return [
        f"{command} {option}"
        for command, rest in OURS.findall(text)
        for option in OPTION.findall(rest)
        if option not in KNOWN.get(command, set()) | WRONG_ON_PURPOSE
    ]


@EACH
def test_a_page_names_only_commands_and_options_that_exist(page: Path) -> None:
    assert unknown(page.read_text()) == []


@EACH
def test_a_page_names_only_scripts_that_exist(page: Path) -> None:
    assert [name for name in SCRIPT.findall(page.read_text()) if not (ROOT / name).exists()] == []


def test_what_does_not_exist_is_found() -> None:
    assert unknown("`gguf-fc serve --prt 1`, `gguf-fc sevre --port 1`") == [
        "serve --prt",
        "sevre --port",
    ]
