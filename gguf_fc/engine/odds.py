"""What a guess is worth: how often guesses of its kind were right, and what a batch costs here.

Knows neither tokens nor sequences.

Theory of operation.
1. A step costs a fixed part and a part per token; both are read from the steps as they happen, by
   a straight line through sizes and times whose old points fade.
2. A token guessed right saves the fixed part of a step, which is shared with whoever else decodes;
   one guessed wrong costs the part per token, its own and of what hangs on it.  So a guess of so
   many tokens pays if its chance is above ``price / (fixed / streams + price)``.
3. The chance of a guess is the share of its kind that was right lately, in this sequence first, and
   before it has seen many, in those before it.  What is not tried fades, so it is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LARGEST_STEP = 32  # tokens; a larger one runs by other kernels
FADE = 0.98  # of a step's weight with each later one
LEAST_SPREAD = 0.5  # variance of the sizes without which no line can be drawn
FIRST_LINE = 0.1, 1.0  # before anything was measured: the price of a token, and of a step
LEAST_SHARE = 1e-3  # of a token's time, below which a part of the price is noise

NEWEST = 0.1  # the weight of the newest guess
TRUST = 2.0  # guesses that what was seen elsewhere counts as
FIRST_RATE = 0.5
FORGET = 0.99  # of what was seen, each time that a guess was not worth trying


@dataclass(slots=True, eq=False)
class Costs:
    """The price of a step by its size."""

    _weight: float = field(default=0.0, init=False)
    _size: float = field(default=0.0, init=False)  # weighted sums
    _seconds: float = field(default=0.0, init=False)
    _size_size: float = field(default=0.0, init=False)
    _size_seconds: float = field(default=0.0, init=False)

    def note(self, n_tokens: int, seconds: float) -> None:
        """A step of *n_tokens* took *seconds*."""
        if n_tokens > LARGEST_STEP:
            return
        self._weight = FADE * self._weight + 1
        self._size = FADE * self._size + n_tokens
        self._seconds = FADE * self._seconds + seconds
        self._size_size = FADE * self._size_size + n_tokens * n_tokens
        self._size_seconds = FADE * self._size_seconds + n_tokens * seconds

    def least_chance(self, n_streams: int, n_tokens: int) -> float:
        """The chance from which on a guess of *n_tokens* pays while *n_streams* decode."""
        per_token, fixed = self._line()
        price = n_tokens * per_token
        return price / (fixed / n_streams + price)

    def _line(self) -> tuple[float, float]:
        """What a token adds to a step, and what a step takes beside; only their ratio is used."""
        spread = self._weight * self._size_size - self._size * self._size
        if spread <= LEAST_SPREAD * self._weight * self._weight or not self._seconds:
            return FIRST_LINE
        slope = (self._weight * self._size_seconds - self._size * self._seconds) / spread
        fixed = (self._seconds - slope * self._size) / self._weight
        least = LEAST_SHARE * self._seconds / self._size
        return max(slope, least), max(fixed, least)


@dataclass(slots=True, eq=False)
class Rate:
    """How often a kind of guess was right; *elsewhere* is the same in all sequences."""

    elsewhere: Rate | None = None
    _hits: float = field(default=0.0, init=False)
    _trials: float = field(default=0.0, init=False)

    @property
    def chance(self) -> float:
        """That the next guess is right."""
        first = self.elsewhere.chance if self.elsewhere else FIRST_RATE
        return (self._hits + TRUST * first) / (self._trials + TRUST)

    def note(self, *, hit: bool) -> None:
        """A guess was tried."""
        self._hits += hit - NEWEST * self._hits
        self._trials += 1 - NEWEST * self._trials
        if self.elsewhere:
            self.elsewhere.note(hit=hit)

    def pass_by(self) -> None:
        """A guess was not worth trying."""
        self._hits *= FORGET
        self._trials *= FORGET
        if self.elsewhere:
            self.elsewhere.pass_by()
