"""The scripts as a whole: the index lists them, and each runs by its path from anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support import architecture as rules
from tests.support.architecture import Package

SCRIPTS = Path(__file__).parents[2] / "scripts"
PARTS = {"native_build.py", "repository.py"}  # that the programs import
NEEDS_TORCH = "train_demo_model.py"
PROGRAMS = sorted(path.name for path in SCRIPTS.glob("*.py") if path.name not in PARTS)
INDEX = (SCRIPTS / "README.md").read_text(encoding="utf-8")


def test_the_index_lists_every_script_and_no_other() -> None:
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in SCRIPTS.iterdir()
        if path.name not in {"README.md", "__pycache__"}
    }
    assert set(re.findall(r"^\| `([^`]+)` \|", INDEX, re.MULTILINE)) == there


def test_every_page_that_the_index_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", INDEX):
        assert (SCRIPTS / target).exists(), target


def test_docstrings_of_scripts_begin_with_a_verb_or_a_noun() -> None:
    assert rules.openings(Package(SCRIPTS)) == []


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_can_be_called_by_its_path(name: str) -> None:
    path = SCRIPTS / name
    assert os.access(path, os.X_OK)
    assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != NEEDS_TORCH])
def test_a_program_says_what_it_is_for_wherever_it_is_called(name: str, tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, str(SCRIPTS / name), "--help"]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=environ, cwd=tmp_path, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert f"usage: {name}" in ran.stdout


@pytest.mark.skipif(not find_spec("torch"), reason="the extra 'train' is not installed")
def test_the_program_that_trains_says_what_it_is_for(tmp_path: Path) -> None:
    test_a_program_says_what_it_is_for_wherever_it_is_called(NEEDS_TORCH, tmp_path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose one script prints where ``somewhere`` is imported from."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPTS / "repository.py", tmp_path / "scripts")
    program = "import repository\nimport somewhere\nprint(somewhere.__file__)"
    (tmp_path / "scripts" / "program.py").write_text(program)
    (tmp_path / "somewhere.py").touch()
    return tmp_path


def run(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, str(checkout / "scripts" / "program.py"), "a", "b"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_script_imports_the_code_beside_it(checkout: Path) -> None:
    assert run(checkout).stdout == f"{checkout / 'somewhere.py'}\n"


def test_an_interpreter_without_packages_hands_over_to_the_environment(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    ran = run(checkout, "-I", "-S", "-c", bare(checkout))
    assert ran.stdout == f"{checkout / 'scripts' / 'program.py'} a b\n"


def test_without_an_environment_a_script_says_how_to_make_one(checkout: Path) -> None:
    ran = run(checkout, "-I", "-S", "-c", bare(checkout))
    assert ran.stderr == "orjson is not installed: run scripts/setup --dev\n"
    assert ran.returncode == 1


def bare(checkout: Path) -> str:
    """Code that runs the script in its arguments without any installed package."""
    return (
        "import runpy, sys\nsys.argv = sys.argv[1:]\n"
        f"sys.path.insert(0, {str(checkout / 'scripts')!r})\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
