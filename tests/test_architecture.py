"""The architecture, executable: import direction, rooms, one door per dependency, purity, sizes.

``docs/architecture.md`` says the same in prose.  When the map is wrong, change both.  The rules
themselves are functions in ``tests/support/architecture.py``; the second half of this file shows
on small broken packages that each of them bites.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import architecture as rules
from tests.support.architecture import Package

PACKAGE = Package(Path(__file__).parent.parent / "gguf_fc")

# What each part may import, besides itself.  Entries may only name parts listed above them,
# so the table cannot describe a cycle.
MAY_IMPORT: dict[str, set[str]] = {
    "demo": set(),
    "errors": set(),
    "scored_tokens": set(),
    "job": {"errors", "scored_tokens"},
    "frames": {"job"},
    "events": {"job", "scored_tokens"},
    "typed_json": {"errors"},
    "grammar": {"errors"},
    "request": {"job"},
    "dialect": {"errors", "events", "grammar", "job", "request", "typed_json"},
    "lazy": {"errors"},
    "__init__": {"dialect", "grammar", "lazy"},
    "config": {"errors", "job"},
    "stillness": set(),
    "rendering": {"dialect", "errors", "frames", "stillness"},
    "cache_file": set(),
    "saved_prompts": {"cache_file"},
    "engine": {"errors", "job", "saved_prompts", "scored_tokens"},
    "worker": {"engine", "errors", "frames", "job", "saved_prompts", "cache_file", "stillness"},
    "models": {"config", "demo", "dialect", "errors", "job", "rendering", "cache_file", "worker"},
    "bench": {"dialect", "errors", "models"},
    "generation": {
        "dialect",
        "errors",
        "events",
        "grammar",
        "job",
        "models",
        "request",
        "scored_tokens",
    },
    "protocols": {
        "dialect",
        "errors",
        "events",
        "generation",
        "grammar",
        "job",
        "models",
        "request",
        "scored_tokens",
        "typed_json",
    },
    "server": {"config", "errors", "events", "generation", "job", "models", "protocols", "request"},
    "commands": {
        *("bench", "config", "errors", "grammar", "lazy", "models", "saved_prompts", "server"),
    },
    "cli": {"bench", "commands", "config", "errors"},
    "__main__": {"cli"},
}


# What protocols share: the tables of their bodies, and the pieces of their replies.
BODIES = {"constraints", "field_types", "fields", "sampling", "shared_rows"}
REPLIES = {"error_body", "protocol", "reply_fields"}

# One level down: a room is a subfolder of a part, or a module beside the subfolders.  Again an
# entry names only rooms listed above it.
ROOMS: dict[str, dict[str, set[str]]] = {
    "grammar": {
        "rules": set(),
        "prune": {"rules"},
        "regex": {"prune", "rules"},
        "values": {"regex", "rules"},
        "schema": {"values"},
        "compile": {"rules", "schema", "values"},
        "search": {"regex", "rules"},
        "match": {"rules", "search"},
        "notations": {"prune", "regex", "rules", "search"},
        "grammar": {"compile", "match", "notations", "prune", "regex", "rules", "schema", "values"},
        "__init__": {"compile", "grammar", "notations", "rules", "schema", "search", "values"},
    },
    "dialect": {
        "parameter_types": set(),
        "syntax": set(),
        "code_tools": {"parameter_types", "syntax"},
        "common_text": set(),
        "read": {"code_tools", "common_text", "parameter_types", "syntax"},
        "write": {"parameter_types", "read", "syntax"},
        "constrain": {"code_tools", "common_text", "read", "syntax", "write"},
        "prompt": {"syntax", "write"},
        "learn": {"common_text", "constrain", "prompt", "read", "syntax", "write"},
        "openai_json": {"prompt"},
        "dialect": {"constrain", "learn", "openai_json", "prompt", "read", "syntax", "write"},
        "skip_prefill": {"prompt", "read"},
        "__init__": {"dialect", "learn", "prompt", "read", "skip_prefill", "syntax"},
    },
    "engine": {
        "__init__": set(),
        "batching": set(),
        "model": {"batching"},
        "constrain": {"model"},
        "sample": {"model"},
        "output": set(),
        "speculate": {"batching", "constrain", "model"},
        "kv_cache": {"model"},
        "sequence_stats": {"speculate"},
        "sequence": {"constrain", "kv_cache", "output", "sample", "sequence_stats", "speculate"},
        "chooser": {"constrain", "model", "sample", "sequence"},
        "long_texts": set(),
        "fit_text": set(),
        "embedding": {"fit_text", "long_texts", "model"},
        "prompt_segments": set(),
        "llama": {"batching", "embedding", "model", "prompt_segments"},
        "schedule": {"batching", "kv_cache", "model", "sequence"},
        "build_sequence": {
            *("constrain", "kv_cache", "model", "prompt_segments", "sequence", "speculate"),
        },
        "loop": {
            *("batching", "build_sequence", "chooser", "constrain", "kv_cache", "long_texts"),
            *("model", "schedule", "sequence", "speculate"),
        },
        "time_sharing": set(),
        "tokenization": {"long_texts", "model"},
    },
    "protocols": {
        "__init__": set(),
        "whole_characters": set(),
        "fields": {"whole_characters"},
        "error_body": set(),
        "protocol": {"error_body"},
        "sampling": {"fields"},
        "field_types": set(),
        "shared_rows": {"fields"},
        "constraints": {"shared_rows"},
        "stream_options": set(),
        "reply_fields": {"protocol"},
        # No protocol imports another; OpenAI's three have ``stream_options``.
        "chat": {"stream_options", *BODIES, *REPLIES},
        "completions": {"stream_options", *BODIES, *REPLIES},
        "messages": {*BODIES, *REPLIES},
        "responses": {"stream_options", *BODIES, *REPLIES},
        # Single questions, and Ollama's protocol, which asks one of them.
        "embeddings": {"protocol", *BODIES},
        "rerank": {"embeddings", "protocol", *BODIES},
        "infill": {"error_body", "protocol", *BODIES},
        "tokens": {"protocol", *BODIES},
        "server_views": {"protocol"},
        "explain": {"chat", "protocol"},
        "ollama": {"embeddings", *BODIES, *REPLIES},
    },
    "server": {
        "__init__": set(),
        "accept": set(),
        "json_response": set(),
        "operations": set(),
        "paths": {"operations"},
        "errors": {"json_response", "paths"},
        "access": {"errors"},
        "read_body": set(),
        "event_stream": set(),
        "endpoint": {"errors", "event_stream", "json_response", "read_body"},
        "json_endpoint": {"errors", "event_stream", "json_response", "read_body"},
        "metrics": set(),
        "agent_models": set(),
        "catalog": {"agent_models", "json_response"},
        "pages": {"accept", "json_response", "operations"},
        "routes": {
            *("catalog", "endpoint", "json_endpoint", "json_response", "metrics", "operations"),
            "pages",
        },
        "app": {"access", "errors", "metrics", "paths", "routes"},
        "server": {"access", "app"},
    },
}

# The engine lives in the worker process; nobody else may load it.
ENGINE_USERS = {"worker/process.py"}

# What these modules offer is imported on first use; everywhere else imports happen at once.
LAZY = {"__init__.py", "commands/__init__.py"}

# Third-party code enters through one door each.
DOORS: dict[str, set[str]] = {
    "llama_cpp": {"engine/llama"},
    "llguidance": {"engine/constrain/llguidance.py"},
    "jinja2": {"dialect/prompt/template.py"},
    "yaml": {"models/models_yaml.py"},
    "httpx": {"bench/client.py"},
    "huggingface_hub": {"models/download.py"},
    "jsonschema_rs": {"generation/validation.py"},
    "psutil": {"server/access/announce.py"},
    "prometheus_client": {"server/metrics.py"},
    "starlette": {"server"},
    "uvicorn": {"server/server.py"},
    "xxhash": {"saved_prompts.py"},
}

# Values in, values out: these parts touch neither the clock nor the machine.
PURE = {"grammar", "dialect", "typed_json"}
IMPURE = {"asyncio", "os", "time", "random", "socket", "subprocess", "threading", "llama_cpp"}

# Names of models and vendors: a syntax is data derived from a template, never a special case.
VENDORS = re.compile(
    r"qwen|hermes|mistral|functionary|deepseek|gemma|granite|kimi|\bglm|minimax|nemotron|\bphi-?\d"
    r"|gpt-oss|cohere|command-r|gigachat|apertus|bielik|laguna|hunyuan|internlm|xlam|toolace"
    r"|chatglm|rwkv"
)


def test_the_tables_name_only_what_is_listed_above() -> None:
    assert rules.upward_tables({"parts": MAY_IMPORT, **ROOMS}) == []


def test_imports_between_parts_point_one_way() -> None:
    assert rules.forbidden_parts(PACKAGE, MAY_IMPORT) == []


def test_imports_between_rooms_point_one_way() -> None:
    assert rules.forbidden_rooms(PACKAGE, ROOMS) == []


def test_the_tables_list_nothing_that_is_gone() -> None:
    parts = {module.part for module in PACKAGE.modules}
    assert set(MAY_IMPORT) <= parts
    rooms = {
        (module.part, PACKAGE.room(module)) for module in PACKAGE.modules if "/" in module.name
    }
    assert {(part, room) for part, table in ROOMS.items() for room in table} - rooms == set()


def test_imports_stand_at_the_top_of_the_file() -> None:
    assert rules.inner_imports(PACKAGE) == []


def test_imports_on_first_use_go_through_one_door() -> None:
    assert rules.first_uses(PACKAGE, LAZY) == []


def test_only_the_worker_process_imports_the_engine() -> None:
    users = {
        module.name
        for module in PACKAGE.modules
        if module.part != "engine" and "engine" in PACKAGE.parts_used(module)
    }
    assert users <= ENGINE_USERS


def test_third_party_code_enters_through_one_door() -> None:
    assert rules.beside_the_door(PACKAGE, DOORS) == []


def test_pure_parts_are_pure() -> None:
    assert rules.impure(PACKAGE, PURE, IMPURE) == []


def test_modules_functions_and_classes_stay_small() -> None:
    assert rules.too_large(PACKAGE) == []


def test_a_folder_can_be_read_at_a_glance() -> None:
    assert rules.crowded_folders(PACKAGE) == []


def test_every_module_says_what_it_is_for() -> None:
    assert rules.without_docstring(PACKAGE) == []


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    assert rules.openings(PACKAGE) == []


def test_no_model_or_vendor_is_named_in_the_package() -> None:
    assert rules.named(PACKAGE, VENDORS) == []


# The rules bite: small packages that each break one.

TABLE = {"low": set[str](), "high": {"low"}}
INNER = {"part": {"below": set[str](), "above": {"below"}}}
NAMES = re.compile("acme")
Rule = Callable[[Package], list[str]]


def package_of(folder: Path, files: dict[str, str]) -> Package:
    root = folder / "pkg"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Package(root)


def parts(package: Package) -> list[str]:
    return rules.forbidden_parts(package, TABLE)


def rooms(package: Package) -> list[str]:
    return rules.forbidden_rooms(package, INNER)


def doors(package: Package) -> list[str]:
    return rules.beside_the_door(package, {"yaml": {"high.py"}})


def purity(package: Package) -> list[str]:
    return rules.impure(package, {"low"}, {"os"})


def names(package: Package) -> list[str]:
    return rules.named(package, NAMES)


def first_uses(package: Package) -> list[str]:
    return rules.first_uses(package, {"high.py"})


def lines(n: int, head: str = "", line: str = "x = 1") -> str:
    return f"{head}\n" + f"{line}\n" * n


METHODS = lines(21, "class Big:", "    def f(self): ...")
LAZY_MODULE = (
    "if TYPE_CHECKING:\n    from pkg.low import {imported}\n"
    'else:\n    __getattr__ = first_use(__name__, {{"x": "{table}"}})'
)
SUBFOLDERS = {"part/below/x.py": "", "part/above/y.py": ""}


@pytest.mark.parametrize(
    ("rule", "files", "violation"),
    [
        (parts, {"low.py": "from pkg.high import x"}, "low.py imports high"),
        (parts, {"low/a.py": "import pkg.high.b", "high/b.py": ""}, "low/a.py imports high"),
        (
            rooms,
            {**SUBFOLDERS, "part/below/x.py": "from pkg.part.above.y import z"},
            "part/below/x.py imports part/above",
        ),
        (rooms, {**SUBFOLDERS, "part/attic/z.py": ""}, "part/attic/z.py: no table has the room"),
        (rooms, {**SUBFOLDERS, "part/loose.py": ""}, "part/loose.py: no table has the room"),
        (doors, {"low.py": "import yaml"}, "low.py imports yaml"),
        (purity, {"low/a.py": "from os import path"}, "low/a.py imports os"),
        (names, {"low.py": "# for Acme models"}, "low.py: acme"),
        (rules.inner_imports, {"low.py": "def f():\n    import os"}, "low.py:2"),
        (first_uses, {"low.py": "__getattr__ = first_use(__name__, {})"}, "low.py uses the door"),
        (first_uses, {"low.py": "if TYPE_CHECKING:\n    import os"}, "low.py uses the door"),
        (first_uses, {"low.py": "import_module('os')"}, "low.py uses the door"),
        (
            first_uses,
            {"high.py": LAZY_MODULE.format(imported="x", table="pkg.low:y")},
            "high.py: two lists: pkg.low.x, pkg.low.y",
        ),
        (rules.too_large, {"low.py": lines(401)}, "low.py has 402 lines"),
        (rules.too_large, {"low.py": lines(60, "def f():", "    x = 1")}, "f has 61 lines"),
        (rules.too_large, {"low.py": lines(251, "class Big:", "    x = 1")}, "class Big has 252"),
        (rules.too_large, {"low.py": METHODS}, "21 methods"),
        (rules.crowded_folders, {f"part/m{n}.py": "" for n in range(17)}, "part: 17"),
        (rules.without_docstring, {"low.py": "x = 1"}, "low.py"),
        (rules.openings, {"low.py": '"""What is low."""'}, "low.py: module: What"),
        (rules.openings, {"low.py": 'def f():\n    """Whether it is."""'}, "low.py: f: Whether"),
    ],
)
def test_a_broken_rule_is_found(
    rule: Rule, files: dict[str, str], violation: str, tmp_path: Path
) -> None:
    (found,) = rule(package_of(tmp_path, files))
    assert violation in found


@pytest.mark.parametrize(
    "rule",
    [
        *(parts, rooms, doors, purity, names, first_uses, rules.inner_imports, rules.too_large),
        *(rules.crowded_folders, rules.without_docstring, rules.openings),
    ],
)
def test_a_package_that_keeps_the_rules_passes_them(rule: Rule, tmp_path: Path) -> None:
    agreeing = LAZY_MODULE.format(imported="x", table="pkg.low:x")
    files = {
        "low.py": '"""The lowest part."""',
        "high.py": f'"""Reads YAML."""\nimport yaml\n{agreeing}',
        "part/below/x.py": '"""A noun."""',
        "part/above/y.py": '"""Verbs."""\nfrom pkg.part.below.x import z',
    }
    assert rule(package_of(tmp_path, files)) == []


def test_a_large_class_may_stand_where_a_comment_says_why(tmp_path: Path) -> None:
    excused = f"{rules.EXCUSE} a door to one library.\n@decorated\n{METHODS}"
    assert rules.too_large(package_of(tmp_path, {"low.py": excused})) == []


def test_a_table_that_names_something_below_itself_is_found() -> None:
    assert rules.upward_tables({"t": {"a": {"b"}, "b": set()}}) == ["t: a -> b"]
