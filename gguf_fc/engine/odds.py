"""How often guesses of a kind were right.  Knows neither tokens nor sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

NEWEST = 0.1  # the weight of the newest guess
TRUST = 2.0  # guesses that what was seen elsewhere counts as
FIRST_RATE = 0.5


@dataclass(slots=True, eq=False)
class Rate:
    """How often a kind of guess was right lately; *elsewhere* is the same in all sequences."""

    elsewhere: Rate | None = None
    _hits: float = field(default=0.0, init=False)
    _trials: float = field(default=0.0, init=False)

    @property
    def chance(self) -> float:
        """That the next guess is right."""
        first = self.elsewhere.chance if self.elsewhere else FIRST_RATE
        return (self._hits + TRUST * first) / (self._trials + TRUST)

    def note(self, *, hit: bool) -> None:
        """A guess was right, or was not."""
        self._hits += hit - NEWEST * self._hits
        self._trials += 1 - NEWEST * self._trials
        if self.elsewhere:
            self.elsewhere.note(hit=hit)
