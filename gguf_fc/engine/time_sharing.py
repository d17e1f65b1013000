"""Time sharing of generation and embedding, which run in one thread.

Somebody reads along while a reply is generated, nobody while a text is embedded; so embedding takes
no more than half of the time while both have work, and all of it while it is alone.  Then tokens
come at half their pace at worst, however slow one step of embedding is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

RunStep = Callable[[], None]


@dataclass(slots=True, eq=False)
class TimeSharing:
    """Runs the next step of generation, of embedding, or of both."""

    clock: Callable[[], float] = monotonic
    _debt: float = field(default=0.0, init=False)  # seconds that embedding is ahead of generation

    def step(self, generate: RunStep | None, embed: RunStep | None) -> None:
        """Run a step of either or both; None where there is nothing to do."""
        if embed is not None and (generate is None or not self._debt):
            self._debt += self._seconds(embed)
        if generate is not None:
            self._debt = max(0.0, self._debt - self._seconds(generate))
        if embed is None or generate is None:
            self._debt = 0.0

    def _seconds(self, run: RunStep) -> float:
        began = self.clock()
        run()
        return self.clock() - began
