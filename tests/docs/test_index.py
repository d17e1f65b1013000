"""The pages lead where they say: the index lists all of them, links and paths are right."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from tests.support.server import ROOT

DOCS = ROOT / "docs"
PAGES = [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "scripts" / "README.md"]
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"`([^`\n]+)`")
# Paths of this repository in running text; some parts are named without the package's folder.
PATH = re.compile(r"(?:[\w.-]+/)*[\w*-][\w.*-]*\.(?:py|toml)\b|(?:[\w-]+/)+(?=$|\s)")
FOLDERS = ("gguf_fc", "tests", "scripts", "docs")
EACH = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / target).resolve() for target, _ in LINK.findall(index.read_text())}
    assert {page.resolve() for page in PAGES} - {index, *listed} == set()


@EACH
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The names of the headings, as they are linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = chain.from_iterable(PATH.findall(code) for code in CODE.findall(page.read_text()))
    ours = [path for path in named if "/" not in path or path.split("/")[0] in TOPS]
    assert [path for path in ours if not exists(path)] == []


TOPS = {*FOLDERS, *(path.name for path in (ROOT / "gguf_fc").iterdir() if path.is_dir())}


def exists(path: str) -> bool:
    """Whether the repository or the package has *path*; a bare name may be in any folder.

    ``*`` stands for any name.
    """
    if "/" not in path:
        roots = (*(ROOT / folder for folder in FOLDERS),)
        return (ROOT / path).exists() or any(any(root.rglob(path)) for root in roots)
    return any(any(root.glob(path.rstrip("/"))) for root in (ROOT, ROOT / "gguf_fc"))


def test_paths_that_do_not_exist_are_found() -> None:
    assert not exists("gguf_fc/engine/none.py")
    assert not exists("engine/none/")
    assert not exists("none_at_all.py")
    text = "see gguf_fc/engine/none.py, none.py and engine/"
    assert PATH.findall(text) == ["gguf_fc/engine/none.py", "none.py", "engine/"]
