"""Whose turn it is where generating and embedding share one thread.

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
    """Does the next piece of each work whose turn it is."""

    clock: Callable[[], float] = monotonic
    _debt: float = field(default=0.0, init=False)  # seconds embedding had and generating did not

    def step(self, generate: RunStep | None, embed: RunStep | None) -> None:
        """One step of either or both; None is work that there is none of."""
        if embed is not None and (generate is None or not self._debt):
            self._debt += self._seconds(embed)
        if generate is not None:
            self._debt = max(0.0, self._debt - self._seconds(generate))
        if embed is None or generate is None:
            self._debt = 0.0

    def _seconds(self, work: RunStep) -> float:
        began = self.clock()
        work()
        return self.clock() - began
