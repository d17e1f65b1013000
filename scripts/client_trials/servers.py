"""Servers that cases are played on: of the demo model, of a case's own models, or as it says."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from repository import ROOT

DEMO = ROOT / "gguf_fc" / "demo" / "demo.gguf"


class NotStarted(Exception):
    """A server that ended at once; the message is what it said."""


@contextmanager
def serving(
    arguments: Sequence[str] = (str(DEMO),), *, models_yaml: str = "", api_key: str = ""
) -> Iterator[str]:
    """``gguf-fc serve`` with *arguments*; its address on loopback.  Raises NotStarted."""
    command = [sys.executable, "-m", "gguf_fc", "serve", *arguments, "--threads", "1"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        if models_yaml:
            (Path(folder) / "models.yaml").write_text(models_yaml)
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "GGUF_FC_DISK_CACHE": "off"}
        if api_key:
            environ["GGUF_FC_API_KEY"] = api_key
        with subprocess.Popen(
            [*command, "--port", "0"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environ,
        ) as process:
            try:
                yield _address(process, log.name)
            finally:
                process.terminate()


def _address(process: subprocess.Popen[str], log: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("url"):
            port = line.split()[1].removesuffix("/v1").rpartition(":")[2]
            return f"http://127.0.0.1:{port}"
    raise NotStarted(Path(log).read_text().strip() or "nothing")


def options_of(command: str) -> list[str]:
    """Options of a ``gguf-fc serve`` command, without those that choose a port."""
    words = shlex.split(command.partition("serve")[2])
    at = words.index("--port") if "--port" in words else len(words)
    return [str(DEMO), *words[:at], *words[at + 2 :]]


def own_address() -> str:
    """The address other machines see this one under."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])
