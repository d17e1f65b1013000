"""The architecture, executable: import direction, one door per dependency, purity, sizes.

``docs/architecture.md`` says the same in prose.  When the map is wrong, change both.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gguf_fc"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import, besides itself.  Entries may only name parts listed above them,
# so the table cannot describe a cycle.
MAY_IMPORT: dict[str, set[str]] = {
    "demo": set(),
    "errors": set(),
    "job": {"errors"},
    "request": {"errors", "job"},
    "events": {"job"},
    "whole_file": set(),
    "state_files": {"whole_file"},
    "grammar": {"errors"},
    "dialect": {"errors", "job", "request", "events", "grammar"},
    "rendering": {"errors", "dialect"},
    "engine": {"errors", "job", "state_files"},
    "worker": {"errors", "job", "whole_file", "state_files", "engine"},
    "config": {"errors", "job"},
    "models": {
        *{"errors", "job", "whole_file", "config", "dialect", "rendering", "worker", "demo"},
    },
    "api": {
        "errors",
        "job",
        "config",
        "request",
        "events",
        "grammar",
        "dialect",
        "worker",
        "models",
    },
    "bench": {"errors", "dialect", "models"},
    "cli": {
        *{"bench", "errors", "job", "state_files", "config", "request", "grammar", "dialect"},
        *{"models", "api"},
    },
    "__init__": {"errors", "events", "grammar", "dialect"},
    "__main__": {"cli"},
}

# The engine lives in the worker process; nobody else may load it.
ENGINE_USERS = {"worker/process.py"}

# Third-party code enters through one door each.
ONLY_IN: dict[str, set[str]] = {
    "llama_cpp": {"engine/llama"},
    "llguidance": {"engine/constrain/llguidance.py"},
    "jinja2": {"dialect/prompt/template.py"},
    "yaml": {"models/registry.py"},
    "httpx": {"bench/client.py"},
    "huggingface_hub": {"models/download.py"},
    "jsonschema_rs": {"api/validation.py"},
    "prometheus_client": {"api/metrics.py"},
    "starlette": {"api"},
    "uvicorn": {"api/server.py"},
    "xxhash": {"state_files.py"},
}

# Values in, values out: these parts touch neither the clock nor the machine.
PURE = ("grammar", "dialect")
IMPURE = {"asyncio", "os", "time", "random", "socket", "subprocess", "threading", "llama_cpp"}

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The dotted names a module imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_table_names_only_parts_listed_above() -> None:
    seen: set[str] = set()
    for part, allowed in MAY_IMPORT.items():
        assert allowed <= seen, part
        seen.add(part)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("gguf_fc.")} - {
        part,
        "__version__",
    }
    assert used <= MAY_IMPORT[part]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_stand_at_the_top_of_the_file(path: Path) -> None:
    tree = ast.parse(path.read_text())
    inner = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_only_the_worker_process_imports_the_engine() -> None:
    users = {
        name_of(path)
        for path in MODULES
        if part_of(path) != "engine"
        and any(name.startswith("gguf_fc.engine") for name in imports(path))
    }
    assert users <= ENGINE_USERS


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_third_party_code_enters_through_one_door(path: Path) -> None:
    name = name_of(path)
    for dependency, doors in ONLY_IN.items():
        if any(used.split(".")[0] == dependency for used in imports(path)):
            assert any(name == door or name.startswith(f"{door}/") for door in doors), dependency


@pytest.mark.parametrize("path", [path for path in MODULES if part_of(path) in PURE], ids=name_of)
def test_pure_parts_are_pure(path: Path) -> None:
    assert {name.split(".")[0] for name in imports(path)} & IMPURE == set()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    long = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


# Names of models and vendors: a syntax is data derived from a template, never a special case.
VENDORS = re.compile(
    r"qwen|hermes|mistral|functionary|deepseek|gemma|granite|kimi|\bglm|minimax|nemotron|\bphi-?\d"
    r"|gpt-oss|cohere|command-r|gigachat|apertus|bielik|laguna|hunyuan|internlm|xlam|toolace"
    r"|chatglm|rwkv"
)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_model_or_vendor_is_named_in_the_package(path: Path) -> None:
    assert VENDORS.findall(path.read_text().lower()) == []
