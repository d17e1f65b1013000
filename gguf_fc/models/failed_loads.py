"""Failed loads: a model that could not be loaded is not tried again at once.

Each try takes the loaded model away for a while.  Another is made when the file has changed, or
after ``REST_SECONDS``: memory may be free by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from gguf_fc.errors import SetupError
from gguf_fc.models.models_yaml import Entry

REST_SECONDS = 60.0

_Stamp = tuple[int, int] | None  # of a file: size and time of change; None: unknown


@dataclass(frozen=True, slots=True)
class _Failure:
    error: SetupError
    stamp: _Stamp
    at: float


@dataclass(slots=True, eq=False)
class FailedLoads:
    """Models that could not be loaded, by their entries."""

    clock: Callable[[], float] = monotonic
    _failures: dict[str, _Failure] = field(default_factory=dict, init=False)

    def note(self, entry: Entry, error: SetupError) -> None:
        """Note that *entry* could not be loaded."""
        self._failures[entry.alias] = _Failure(error, _stamp_of(entry), self.clock())

    def check(self, entry: Entry) -> None:
        """Raise the error of the last try if another would probably end in the same way."""
        failure = self._failures.get(entry.alias)
        if failure is None:
            return
        if self.clock() - failure.at < REST_SECONDS and failure.stamp == _stamp_of(entry):
            raise failure.error
        del self._failures[entry.alias]


def _stamp_of(entry: Entry) -> _Stamp:
    if not isinstance(entry.source, Path):
        return None
    try:
        status = entry.source.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
