#!/usr/bin/env python3
"""Build llama-server, llama-bench and llama-mtmd-cli from llama-cpp-python's own sources.

    scripts/build_llama_server.py [--jobs N] [--folder DIR]
    scripts/performance.py --llama-server "$(scripts/build_llama_server.py)"

So both servers run the same kernels.  The sources are those of the version in requirements.lock;
CMAKE_ARGS, CC, CXX, CFLAGS ... decide as they do in scripts/setup.  The programs are kept in the
user's cache by version and flags, and lie there with their libraries; the path of llama-server is
printed, everything else goes to stderr.  It takes half an hour of one core, at low priority; run
again after an interruption, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from repository import ROOT

from native_build import build_key, cache_folder, locked_version

PROGRAMS = ("llama-server", "llama-bench", "llama-mtmd-cli")
NICENESS = 10
OPTIONS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",  # as the libraries of the wheel are built
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    f"-DCMAKE_INSTALL_RPATH={'@loader_path' if sys.platform == 'darwin' else '$ORIGIN'}",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",  # it would be fetched from elsewhere
    "-DLLAMA_OPENSSL=OFF",
)


def run(*command: str | Path) -> None:
    """Run *command* at low priority; its output goes to stderr."""
    print(shlex.join(map(str, command)), file=sys.stderr, flush=True)
    subprocess.run(command, stdout=sys.stderr, check=True, preexec_fn=_yield)


def _yield() -> None:
    os.nice(NICENESS)


def fetch(version: str, work: Path) -> Path:
    """The folder of llama.cpp's sources inside *work*, fetched and unpacked where it is missing."""
    source = work / "source"
    if not source.exists():
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
        wanted = ("--no-deps", "--no-binary", ":all:", f"llama-cpp-python=={version}")
        run(*pip, "--dest", work, *wanted)
        (archive,) = work.glob("llama_cpp_python-*.tar.gz")
        unpacked = work / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(archive) as sources:
            sources.extractall(unpacked, members=_of_llama_cpp(sources), filter="data")
        (vendored,) = unpacked.glob("*/vendor/llama.cpp")
        vendored.rename(source)
        archive.unlink()
    return source


def _of_llama_cpp(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Members below vendor/llama.cpp, without its reference to a repository that is not there."""
    for member in archive:
        _, *folders = Path(member.name).parts
        if folders[:2] == ["vendor", "llama.cpp"] and folders[2:] != [".git"]:
            yield member


def cmake(work: Path) -> str | Path:
    """CMake's program: the machine's, or else the one from the package registry."""
    if found := shutil.which("cmake"):
        return found
    target = work / "cmake"
    program = target / "cmake" / "data" / "bin" / "cmake"
    if not program.exists():
        run(sys.executable, "-m", "pip", "install", "--quiet", "--target", target, "cmake")
    return program


def build(version: str, kept: Path, jobs: int) -> None:
    """Build the programs and move them to *kept* with their libraries."""
    work = kept.with_name(f"{kept.name}.part")
    work.mkdir(parents=True, exist_ok=True)
    source, program, tree = fetch(version, work), cmake(work), work / "build"
    said = shlex.split(os.environ.get("CMAKE_ARGS", ""))
    run(program, "-S", source, "-B", tree, *OPTIONS, *said)
    targets = [word for name in PROGRAMS for word in ("--target", name)]
    run(program, "--build", tree, "--parallel", str(jobs), *targets)
    (tree / "bin").rename(kept)
    shutil.rmtree(work)


def main() -> None:
    """Build what is missing; print where llama-server is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = cache_folder(os.environ) / "llama.cpp"
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilers at once")
    parser.add_argument("--folder", type=Path, default=usual, help=f"default: {usual}")
    options = parser.parse_args()
    version = locked_version((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    name = "-".join(filter(None, (version, build_key(os.environ))))
    kept: Path = options.folder / name
    if not kept.exists():
        build(version, kept, options.jobs)
    print(kept / PROGRAMS[0])


if __name__ == "__main__":
    main()
