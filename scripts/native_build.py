#!/usr/bin/env python3
"""Key of a native build: the variables of the environment that decide what a compiler makes.

    scripts/native_build.py    # prints the key; an empty line where none of them is set

Builds are kept outside the tree, for every checkout of it.  The key is a part of their folder's
name, so that a build for the processor is never taken for one for the GPU.  It needs nothing but
Python, because scripts/setup calls it before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
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


def build_key(environ: Mapping[str, str]) -> str:
    """Digest of the deciding variables in *environ*; empty where none of them says anything."""
    said = sorted(
        f"{name}={value.strip()}"
        for name, value in environ.items()
        if DECIDING.fullmatch(name) and value.strip()
    )
    return hashlib.sha256("\0".join(said).encode()).hexdigest()[:DIGITS] if said else ""


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The user's cache of this project."""
    home = environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "gguf-fc"


if __name__ == "__main__":
    print(build_key(os.environ))
