"""Hit rates of guesses: moving averages.  Knows neither tokens nor sequences."""

from __future__ import annotations

from dataclasses import dataclass, field

NEWEST = 0.02  # the weight of the newest guess
TRUST = 4.0  # weight of the prior, in guesses: the first rate, or the rate elsewhere


@dataclass(slots=True, eq=False)
class HitRate:
    """Recent hit rate of one kind of guess.

    Its prior is *elsewhere*, the rate of the same kind in all sequences; without that, *first*.
    """

    first: float = 0.5
    elsewhere: HitRate | None = None
    _hits: float = field(default=0.0, init=False)
    _trials: float = field(default=0.0, init=False)

    @property
    def chance(self) -> float:
        """Chance that the next guess is right."""
        first = self.elsewhere.chance if self.elsewhere else self.first
        return (self._hits + TRUST * first) / (self._trials + TRUST)

    def note(self, *, hit: bool) -> None:
        """Count a guess that was right, or was not."""
        self._hits += hit - NEWEST * self._hits
        self._trials += 1 - NEWEST * self._trials
        if self.elsewhere:
            self.elsewhere.note(hit=hit)
