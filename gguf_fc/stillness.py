"""Stillness of a process: how long it has not computed anything.

Read from ``/proc``; where there is none (macOS, Windows) a process never counts as still.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

BUSY_WITHOUT_COMPUTING = "D"  # state of a process that waits for a disk


@dataclass(slots=True, eq=False)
class Stillness:
    """Watches process *pid* from now on."""

    pid: int
    _ticks: int | None = field(default=None, init=False)
    _since: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self._ticks = self._computed()

    def seconds(self) -> float:
        """Seconds for which all its threads have used no processor time; looked at now."""
        ticks, now = self._computed(), time.monotonic()
        if ticks is None or ticks != self._ticks:
            self._ticks, self._since = ticks, now
        return now - self._since

    def _computed(self) -> int | None:
        """Clock ticks of all threads; None if unknown, or while it waits for a disk."""
        try:
            state, *numbers = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        if state == BUSY_WITHOUT_COMPUTING:
            return None
        user, system = numbers[10:12]
        return int(user) + int(system)
