"""How often guesses of a kind were right.  Knows neither tokens nor sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

NEWEST = 0.02  # the weight of the newest guess
TRUST = 4.0  # guesses that the first rate, or what was seen elsewhere, counts as


@dataclass(slots=True, eq=False)
class HitRate:
    """How often a kind of guess was right lately; *elsewhere* is the same in all sequences.

    Without that, it begins as *first*.
    """

    first: float = 0.5
    elsewhere: HitRate | None = None
    _hits: float = field(default=0.0, init=False)
    _trials: float = field(default=0.0, init=False)

    @property
    def chance(self) -> float:
        """That the next guess is right."""
        first = self.elsewhere.chance if self.elsewhere else self.first
        return (self._hits + TRUST * first) / (self._trials + TRUST)

    def note(self, *, hit: bool) -> None:
        """A guess was right, or was not."""
        self._hits += hit - NEWEST * self._hits
        self._trials += 1 - NEWEST * self._trials
        if self.elsewhere:
            self.elsewhere.note(hit=hit)
