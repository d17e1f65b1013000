"""Key of a native build: the variables of the environment that decide what a compiler makes.

Builds are kept outside the tree, for every checkout of it.  The key is a part of their folder's
name, so that a build for the processor is never taken for one for the GPU.  It needs nothing but
Python, because scripts/setup uses it before anything is installed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

# CMake's and llama.cpp's switches, the compilers and their flags, and the two that decide by
# themselves for which machine is compiled.
DECIDING = re.compile(
    r"CMAKE_ARGS|FORCE_CMAKE|SKBUILD_CMAKE_(ARGS|DEFINE|BUILD_TYPE)|CMAKE_(BUILD_TYPE|CUDA_\w+)"
    r"|GGML_\w+|CC|CXX|CUDACXX|HIPCXX|OBJC|(CPP|C|CXX|CUDA|HIP|LD|ARCH)FLAGS"
    r"|SOURCE_DATE_EPOCH|MACOSX_DEPLOYMENT_TARGET"
)
DIGITS = 12


def deciding(environ: Mapping[str, str]) -> dict[str, str]:
    """The deciding variables in *environ* that say anything."""
    return {
        name: value
        for name, value in sorted(environ.items())
        if DECIDING.fullmatch(name) and value.strip()
    }


def build_key(environ: Mapping[str, str]) -> str:
    """Digest of the deciding variables in *environ*; empty where there are none."""
    said = [f"{name}={value.strip()}" for name, value in deciding(environ).items()]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:DIGITS] if said else ""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's cache of this project."""
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "gguf-fc"


def locked_version(lock: str) -> str:
    """The version of llama-cpp-python that a lock file pins."""
    found = re.search(r"^llama-cpp-python==([\w.]+)", lock, re.MULTILINE)
    if not found:
        raise SystemExit("the lock file pins no llama-cpp-python")
    return found[1]
