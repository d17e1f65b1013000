"""Self-test: settings that a model file runs with on this machine, remembered between starts.

The test itself is the child's: it evaluates a few tokens before it says ``Ready``, and weight
repacking that this processor cannot run kills it.  Here is what the server makes of that: settings
to try, in order, and a small file that says what worked.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import msgspec
import orjson

from gguf_fc.cache_file import own_folder, read_json, write_atomically
from gguf_fc.job import Load

logger = logging.getLogger(__name__)


class _Passed(msgspec.Struct):
    """Content of the file."""

    use_extra_bufts: bool


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The settings for one load."""

    load: Load
    cache_dir: Path

    def settings(self) -> Iterator[Load]:
        """Settings to try, in order; what worked before is not tested again, unless it crashes."""
        known = self._recall()
        if known is not None:
            yield replace(self.load, use_extra_bufts=known, self_test=False)
        yield self.load
        if self.load.use_extra_bufts:
            yield replace(self.load, use_extra_bufts=False)

    def remember(self, worked: Load) -> None:
        """Remember that *worked* passed the test."""
        if not worked.self_test:
            return
        try:
            own_folder(self.cache_dir)
            write_atomically(
                self._file, [orjson.dumps({"use_extra_bufts": worked.use_extra_bufts})]
            )
        except OSError as error:
            logger.warning("self-test file=%s cannot be written: %s", self._file, error)

    def _recall(self) -> bool | None:
        passed = read_json(self._file, _Passed)
        return None if passed is None else passed.use_extra_bufts

    @property
    def _file(self) -> Path:
        """File named for all that the result depends on."""
        path = Path(self.load.path).resolve()
        try:
            status = path.stat()
            identity = [str(path), status.st_size, status.st_mtime_ns]
        except OSError:  # the child will say what is wrong with the file
            identity = [str(path)]
        facts = [*identity, self.load.use_extra_bufts, self.load.n_gpu_layers, _machine()]
        name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
        return self.cache_dir / f"selftest-{name}.json"


def _machine() -> str:
    """Names of the processor and of the build of llama.cpp."""
    return f"{platform.node()} {platform.machine()} {_processor()} {version('llama-cpp-python')}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
