"""Autosave: slots are saved in quiet moments, and now and then where there are none.

Saving takes the engine's time, so it waits until nobody has asked for anything for a moment.  A
server that is never idle saves all the same, one slot every few seconds: it may be killed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from gguf_fc.engine.kv_cache.cache import KvCache
from gguf_fc.engine.kv_cache.saved_states import SavedStates

QUIET_SECONDS = 0.25
OVERDUE_SECONDS = 5.0
WRITING_SECONDS = 0.05  # between two looks at a file that is being written


@dataclass(slots=True, eq=False)
class Autosave:
    """Saves the slots of *cache* as *states*."""

    cache: KvCache
    states: SavedStates
    clock: Callable[[], float] = monotonic
    _worked: float = field(default=0.0, init=False)  # time of the engine's last step
    _saved: float = field(init=False)

    def __post_init__(self) -> None:
        self._saved = self.clock()

    def note_work(self) -> None:
        """Note that the engine made a step; saves a slot where that is overdue."""
        self._worked = self.clock()
        if self._worked - self._saved >= OVERDUE_SECONDS:
            self._save()

    def rest(self) -> float | None:
        """Save something if it is quiet; seconds until the next call, None if nothing is left."""
        quiet = self.clock() - self._worked
        if quiet < QUIET_SECONDS:
            return QUIET_SECONDS - quiet
        if self._save():
            return 0.0
        return WRITING_SECONDS if self.states.is_writing else None

    def close(self) -> None:
        """Save everything: the process is about to end."""
        while self.cache.save_next():
            pass
        self.states.close()

    def _save(self) -> bool:
        self._saved = self.clock()
        is_new = self.cache.save_next()
        return self.states.write() or is_new
