#!/usr/bin/env python3
"""Install into .venv what the lock files pin; called by scripts/setup.

    scripts/setup [--dev]                          # requirements.lock, or requirements-dev.lock
    CMAKE_ARGS=-DGGML_CUDA=on scripts/setup        # llama.cpp for CUDA
    CMAKE_ARGS=-DGGML_METAL=on scripts/setup       # ... for Metal

llama-cpp-python comes as source and takes minutes to compile, so its wheel is kept outside the
tree: in $GGUF_FC_WHEELS, by default the user's cache folder.  Which build is wanted is said by the
variables that scripts/native_build.py lists.  It is remembered in .venv: where none of them is set,
the build stays what it was.  CMAKE_ARGS=-DGGML_CUDA=off goes back to the processor.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from native_build import build_key, cache_folder, deciding, locked_version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"serve": "requirements.lock", "dev": "requirements-dev.lock"}


@dataclass(slots=True)
class Installed:
    """Contents of an environment, as its stamp keeps them."""

    sets: dict[str, str] = field(default_factory=dict)  # fingerprint of each set of packages
    flags: dict[str, str] = field(default_factory=dict)  # that llama-cpp-python was built with
    wheel: str = ""  # of llama-cpp-python

    @classmethod
    def read(cls, stamp: Path) -> Installed:
        """Read *stamp*; where there is none, nothing is installed."""
        return cls(**json.loads(stamp.read_text())) if stamp.exists() else cls()


@dataclass(slots=True)
class Environment:
    """The environment of one checkout."""

    root: Path
    wheels: Path  # for this interpreter

    @property
    def stamp(self) -> Path:
        """The file that remembers what is installed."""
        return self.root / ".venv" / ".setup.json"

    def install(self, name: str, environ: dict[str, str]) -> None:
        """Install the set *name* unless it is there; built as *environ* says, or as before."""
        installed = Installed.read(self.stamp)
        flags = deciding(environ) or installed.flags
        wanted = self._fingerprint(name, flags)
        if installed.sets.get(name) == wanted:
            return
        wheel = self._wheel(flags, environ)
        if str(wheel) != installed.wheel:
            self.pip("install", "--no-deps", "--force-reinstall", str(wheel))
        self.pip("install", "--requirement", str(self.root / LOCKS[name]))
        self.pip("install", "--no-deps", "--editable", str(self.root))
        sets = {each: self._fingerprint(each, flags) for each in ("serve", name)}
        self.stamp.write_text(json.dumps(asdict(Installed(sets, flags, str(wheel))), indent=2))

    def _fingerprint(self, name: str, flags: dict[str, str]) -> str:
        digest = hashlib.sha256(build_key(flags).encode())
        for file in ("pyproject.toml", LOCKS[name]):
            digest.update((self.root / file).read_bytes())
        return digest.hexdigest()

    def _wheel(self, flags: dict[str, str], environ: dict[str, str]) -> Path:
        """The wheel of llama-cpp-python for *flags*, built where it is not kept yet."""
        version = locked_version((self.root / LOCKS["serve"]).read_text(encoding="utf-8"))
        folder = self.wheels / build_key(flags)
        pattern = f"llama_cpp_python-{version}-*.whl"
        if not any(folder.glob(pattern)):
            requirement = f"llama-cpp-python=={version}"
            said = " ".join(f"{key}='{value}'" for key, value in flags.items())
            print(
                f"Building {requirement} from source: this takes some minutes, once. {said}",
                file=sys.stderr,
            )
            folder.mkdir(parents=True, exist_ok=True)
            # pip's own cache of wheels does not know the flags.
            source = ("--no-cache-dir", "--no-binary", "llama-cpp-python") if flags else ()
            arguments = ("wheel", "--no-deps", *source, "--wheel-dir", str(folder), requirement)
            self.pip(*arguments, environ={**environ, **flags})
        return max(folder.glob(pattern))

    def pip(self, *arguments: str, environ: dict[str, str] | None = None) -> None:
        """Run pip in the environment; ends the process where it fails."""
        python = self.root / ".venv" / "bin" / "python"
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        ran = subprocess.run([*pip, *arguments], env=environ, check=False)
        if ran.returncode:
            sys.exit(f"pip {arguments[0]} failed; run scripts/setup again when that is mended")


def wheels_of(environ: dict[str, str]) -> Path:
    """The folder of wheels for this interpreter."""
    kept = environ.get("GGUF_FC_WHEELS")
    folder = Path(kept) if kept else cache_folder(environ) / "wheels"
    return folder / f"{sys.implementation.cache_tag}-{sys.platform}"


def main() -> None:
    """Install what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dev", action="store_true", help="also what checks and tests the project")
    options = parser.parse_args()
    environ = dict(os.environ)
    Environment(ROOT, wheels_of(environ)).install("dev" if options.dev else "serve", environ)


if __name__ == "__main__":
    main()
