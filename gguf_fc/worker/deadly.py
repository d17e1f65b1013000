"""Deadly requests: those under which a model's process died, and which are not run again.

They are remembered in a file, by a digest, for this model file and this build of llama.cpp only:
another may survive them.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import orjson

from gguf_fc.cache_file import own_folder, read_json, write_atomically
from gguf_fc.errors import DeadlyRequest
from gguf_fc.job import Job, Load, Question, Sampling

logger = logging.getLogger(__name__)

FILE = "deadly-requests.json"
MOST_KEPT = 200  # digests; the oldest go first


@dataclass(slots=True, eq=False)
class DeadlyRequests:
    """Digests of the deadly requests to the model that *load* names."""

    folder: Path
    load: Load
    digests: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.digests = self._read()

    def check(self, asked: Job | Question) -> None:
        """Raise DeadlyRequest if *asked* is one."""
        if self._digest(asked) in self.digests:
            raise self.error()

    def error(self) -> DeadlyRequest:
        """Refusal of such a request."""
        return DeadlyRequest(
            "The process that runs the model died repeatedly under this request. "
            f"It is not run again; change it. The operator can allow it by deleting {FILE} in "
            "the cache folder and starting the server again."
        )

    def remember(self, asked: Job | Question) -> None:
        """Refuse *asked* from now on, after a restart too."""
        kept = dict.fromkeys([*self._read(), *self.digests, self._digest(asked)])
        self.digests = list(kept)[-MOST_KEPT:]
        try:
            own_folder(self.folder)
            write_atomically(self._file, [orjson.dumps(self.digests)])
        except OSError as error:
            logger.warning("deadly requests file=%s cannot be written: %s", self._file, error)

    @property
    def _file(self) -> Path:
        return self.folder / FILE

    def _read(self) -> list[str]:
        return read_json(self._file, list[str]) or []

    def _digest(self, asked: Job | Question) -> str:
        """Digest of all that the engine is asked, but for its id and its random numbers."""
        asked = replace(asked, id="")
        if isinstance(asked, Job):
            asked = replace(asked, begun=None, sampling=Sampling())
        model = Path(self.load.path).name, version("llama-cpp-python")
        told = orjson.dumps([model, type(asked).__name__, asked])
        return hashlib.blake2b(told, digest_size=16).hexdigest()
