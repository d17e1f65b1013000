"""Pace: the token budget of a step for prefill and drafts, so that streams keep flowing.

Theory of operation.
1. Where no prompt waits, a step lasts at most about ``STEP_SECONDS``, so that replies flow.  Where
   nobody decodes, it lasts about ``PROMPT_SECONDS``: short enough that whoever comes is served
   soon, long enough to be efficient.  Prompts are read in whole tiles then, however long one takes:
   on a processor, llama.cpp's attention takes fewer than ``ATTENTION_TILE`` tokens one by one,
   which behind 2,000 others takes twice as long for each.  For several threads more than one tile
   is better.
2. Where prompts wait beside streams that decode, the *extra* - prefill, and what is evaluated ahead
   of the streams - may make a step last ``SLOWDOWN`` times as long as one without.  So the gap
   between a stream's tokens stays within three times what it would be, and about two thirds of the
   machine go to the prompts.
3. What is evaluated ahead gets a third of the extra: then a stream that was drafted well is not
   held back more than the others.
4. The time of a plain step, without anything extra, is measured, not estimated: at once when the
   streams change, and again every ``REMEASURE`` steps, as streams grow longer and dearer.  The
   median of the last few counts, since any one of them may have been disturbed.
5. The time of an extra token is learned from the steps that had them: dearer ones at once, cheaper
   ones by and by; twice as many as before are the most that is tried.
6. Where even a single token takes too long, it is a debt: the steps after it have nothing extra
   until it is paid.  So the gaps are right on average where they cannot be right each.

Knows seconds and counts, nothing of sequences.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low

STEP_SECONDS = 0.5  # while streams decode and no prompt waits
PROMPT_SECONDS = 0.8  # while prompts are read and nobody decodes
FIRST = 64  # tokens; until it is known how fast the machine is
LEAST = 8  # tokens ahead of streams, however slow the machine is
ATTENTION_TILE = 64  # tokens that attention takes together; GGML_FA_TILE_Q in ggml-cpu/common.h
SLOWDOWN = 2.8  # three times is what is promised, and no two steps are alike
SHARE_AHEAD = 3  # one part of the extra in so many is for what is evaluated ahead
FIRST_BESIDE = 4  # extra tokens beside streams, until it is known how long one takes
KEPT = 3  # measurements of plain steps
REMEASURE = 32  # steps with something extra between two plain ones
MOST_DEBT = 4  # times what the extra of one step may take


@dataclass(slots=True, eq=False)
class StepSize:
    """Number of *tokens* that make a step of about *seconds*: whole *parts*, at least one."""

    most: int
    part: int
    seconds: float
    tokens: int = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = min(FIRST, self.most)

    def note(self, n_tokens: int, seconds: float) -> None:
        """Learn from a step that had *n_tokens*, beside what it had to have, and took *seconds*."""
        if seconds > self.seconds:
            fitting = int(n_tokens * self.seconds / seconds)
            self.tokens = min(self.tokens, max(self.part, self._whole(fitting)))
        elif seconds < self.seconds / 2:
            self.tokens = min(self.most, max(self.tokens, self._whole(2 * n_tokens)))

    def _whole(self, n_tokens: int) -> int:
        return n_tokens - n_tokens % self.part


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """Tokens that a step may have beside the certain ones of its streams."""

    extra: int  # of prompts, or ahead of streams
    ahead: int  # the most of these that may be ahead of streams


@dataclass(slots=True, eq=False)
class Pace:
    """Budget of each step: ask for it, then ``note`` how long the step took."""

    n_batch: int
    _alone: StepSize = field(init=False)
    _ahead: StepSize = field(init=False)
    _plain: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT), init=False)
    _n_streams: int = field(default=0, init=False)  # streams that ``_plain`` was measured with
    _n_since: int = field(default=0, init=False)  # steps since that had something extra
    _each: float | None = field(default=None, init=False)  # seconds per extra token
    _most: int = field(default=FIRST_BESIDE, init=False)
    _debt: float = field(default=0.0, init=False)  # seconds

    def __post_init__(self) -> None:
        self._alone = StepSize(self.n_batch, ATTENTION_TILE, PROMPT_SECONDS)
        self._ahead = StepSize(self.n_batch, LEAST, STEP_SECONDS)

    def budget(self, n_streams: int, *, prompts_wait: bool) -> TokenBudget:
        """Token budget of the next step, beside the certain tokens of *n_streams*."""
        if not n_streams:
            return TokenBudget(extra=self._alone.tokens, ahead=0)
        if not prompts_wait:
            return TokenBudget(extra=self._ahead.tokens, ahead=self._ahead.tokens)
        extra = self._beside(n_streams)
        return TokenBudget(extra=extra, ahead=extra // SHARE_AHEAD)

    def _beside(self, n_streams: int) -> int:
        if n_streams != self._n_streams or self._n_since >= REMEASURE:
            return 0
        if self._debt > self._allowed:
            return 0
        fitting = int(self._allowed / self._each) if self._each else self._most
        return max(1, min(fitting, self._most, self.n_batch))

    @property
    def _allowed(self) -> float:
        """Seconds that the extra of one step may take."""
        return median_low(self._plain) * (SLOWDOWN - 1)

    def note(self, n_streams: int, n_prompt: int, n_ahead: int, seconds: float) -> None:
        """Learn from a step with *n_streams* that decode, which took *seconds*.

        It had *n_prompt* tokens of prompts and *n_ahead* ahead of the streams.
        """
        if not n_streams:
            self._alone.note(n_prompt, seconds)
        elif not n_prompt and not n_ahead:
            self._note_plain(n_streams, seconds)
        elif not n_prompt:
            self._ahead.note(n_ahead, seconds)
            self._n_since += 1
        elif asked := self._beside(n_streams):
            self._note_beside(n_prompt + n_ahead, asked, seconds)

    def _note_plain(self, n_streams: int, seconds: float) -> None:
        if n_streams != self._n_streams or self._n_since > REMEASURE:
            self._plain.clear()
            self._debt = 0.0
        self._plain.append(seconds)
        self._n_streams, self._n_since = n_streams, 0
        self._debt = max(0.0, self._debt - self._allowed)

    def _note_beside(self, n_extra: int, asked: int, seconds: float) -> None:
        """Learn from a step with *n_extra* tokens beside streams, of *asked* in its budget."""
        extra = max(0.0, seconds - median_low(self._plain))
        debt = self._debt + extra - self._allowed
        self._debt = min(max(0.0, debt), MOST_DEBT * self._allowed)
        self._n_since += 1
        self._most = max(asked, 2 * n_extra)
        each = extra / n_extra
        if self._each is None:
            self._each = each
            return
        dearest = max(2 * self._each, self._allowed / asked)  # beyond that it was disturbed
        weight = min(1.0, n_extra / asked)  # the few at a prompt's end say little of many
        if each < self._each:
            weight /= 2
        self._each += weight * (min(each, dearest) - self._each)
