"""The dependencies in pyproject.toml are those that the package imports, and no others."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from gguf_fc.lazy import EXTRAS
from tests.support.architecture import Package

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED_AS = {
    "llama-cpp-python": "llama_cpp",
    "pyyaml": "yaml",
}  # where the name to import is not the name to install
FOR_DEVELOPERS = {"clients", "clients-openai-2", "dev", "train"}


def modules(requirements: list[str]) -> set[str]:
    """The top-level modules that *requirements* install."""
    names = [re.split(r"[^\w-]", text, maxsplit=1)[0].lower() for text in requirements]
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def imported() -> set[str]:
    """Third-party modules that the package imports, wherever the statement stands."""
    found = {
        name.split(".")[0]
        for module in Package(ROOT / "gguf_fc").modules
        for name in module.imports
    }
    return found - {*sys.stdlib_module_names, "gguf_fc"}


def test_the_package_requires_what_it_imports_and_nothing_else() -> None:
    assert modules(PROJECT["dependencies"]) == imported() - {*EXTRAS}


def test_an_extra_brings_what_is_imported_on_first_use_and_nothing_else() -> None:
    offered = {
        module: extra
        for extra, requirements in PROJECT["optional-dependencies"].items()
        if extra not in FOR_DEVELOPERS
        for module in modules(requirements)
    }
    assert offered == EXTRAS
    assert set(EXTRAS) <= imported()
