"""How much of the prompts a step may evaluate beside the streams that decode.

Theory of operation.
1. Where nobody decodes, a step lasts about ``STEP_SECONDS`` whatever the machine: short enough that
   whoever comes is served soon, long enough to be efficient.
2. Beside streams, prompts may make a step last ``SLOWDOWN`` times as long as one without them.  So
   the gap between a stream's tokens stays within that factor, and prompts get on all the same.
3. What a step without prompts takes is measured, not guessed: where it is not known, because the
   streams are others than before or it was too long ago, one step goes without prompts.

Knows seconds and counts, nothing of sequences.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STEP_SECONDS = 0.5
FIRST_ALONE = 64  # tokens; until it is known how fast the machine is
LEAST_ALONE = 8
SLOWDOWN = 2.0
FIRST_BESIDE = 4
REMEASURE = 32  # steps with prompts between two without


@dataclass(slots=True, eq=False)
class Pace:
    """The share of prompts in each step; ``room``, then ``note`` what the step took."""

    n_batch: int
    _alone: int = field(init=False)
    _beside: float = field(default=FIRST_BESIDE, init=False)
    _plain: float | None = field(default=None, init=False)  # seconds of a step without prompts
    _n_streams: int = field(default=0, init=False)  # when that was measured
    _n_mixed: int = field(default=0, init=False)  # steps with prompts since

    def __post_init__(self) -> None:
        self._alone = min(FIRST_ALONE, self.n_batch)

    def room(self, n_streams: int) -> int:
        """How many tokens of prompts the next step may evaluate beside so many streams."""
        if not n_streams:
            return self._alone
        if self._plain is None or n_streams != self._n_streams or self._n_mixed >= REMEASURE:
            return 0
        return max(1, int(self._beside))

    def note(self, n_streams: int, n_prompt: int, seconds: float) -> None:
        """A step with *n_streams* that decoded and *n_prompt* tokens of prompts took *seconds*."""
        if not n_streams:
            self._note_alone(n_prompt, seconds)
        elif not n_prompt:
            is_same = self._plain is not None and n_streams == self._n_streams
            before = self._plain if is_same and self._plain is not None else seconds
            self._plain = (before + seconds) / 2
            self._n_streams, self._n_mixed = n_streams, 0
        elif self._plain is not None:
            self._note_beside(n_prompt, seconds - self._plain)

    def _note_alone(self, n_prompt: int, seconds: float) -> None:
        if seconds > STEP_SECONDS:
            fitting = int(n_prompt * STEP_SECONDS / seconds)
            self._alone = max(LEAST_ALONE, min(self._alone, fitting))
        elif n_prompt >= self._alone and seconds < STEP_SECONDS / 2:
            self._alone = min(self.n_batch, 2 * self._alone)

    def _note_beside(self, n_prompt: int, extra: float) -> None:
        """*n_prompt* tokens took *extra* seconds: go for what is allowed, by no more than half."""
        assert self._plain is not None
        self._n_mixed += 1
        allowed = self._plain * (SLOWDOWN - 1)
        fitting = n_prompt * allowed / extra if extra > 0 else 2 * self._beside
        if fitting > self._beside and n_prompt < int(self._beside):
            return  # there was less to do than allowed, which says little
        self._beside = min(max(fitting, self._beside / 2), 2 * self._beside, self.n_batch)
        self._beside = max(1.0, self._beside)
