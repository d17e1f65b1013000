"""State of one job while it runs: its tokens, how far they are evaluated, its output.

A sequence's ``tokens`` are its prompt and then its completion; the first ``n_evaluated`` lie in its
slot, the rest is *pending*.  Prompt, sampled and forced tokens differ in nothing but who chose
them, so prefill, decoding and jump-forward decoding are all the same: evaluate what is pending.
Tokens evaluated *ahead*, such as a draft, come after them and are not the sequence's yet.

Only the methods here change a sequence; each states one whole change.  One exception: ``chooser``
adds to and takes from the queue ``forced``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gguf_fc.engine.constrain.constraint import Constraint
from gguf_fc.engine.kv_cache.slots import Lease
from gguf_fc.engine.output.stop_strings import StopFilter
from gguf_fc.engine.output.writer import OutputWriter
from gguf_fc.engine.sample.sampler import Sampler
from gguf_fc.engine.sequence_stats import SequenceStats
from gguf_fc.engine.speculate.drafter import NO_DRAFT, Draft, Drafter, StepLoad
from gguf_fc.job import Chunk, Done, FinishReason, Job
from gguf_fc.scored_tokens import TokenLogprob

MOST_CERTAIN = 64  # tokens of a prompt's last chunk that count when a draft is priced


@dataclass(slots=True, eq=False)
class Checkpoints:
    """Positions of a prompt where the KV cache keeps what is evaluated; None once passed."""

    prefix: int | None = None  # end of the prefix shared with other conversations
    turn: int | None = None  # begin of the reply's turn, in models whose slots cannot be cut

    def distance(self, n_evaluated: int, n_tokens: int) -> int:
        """Tokens from *n_evaluated* to the next checkpoint or the end of *n_tokens*."""
        cuts = (self.prefix, self.turn, n_tokens)
        return min(cut - n_evaluated for cut in cuts if cut is not None and cut > n_evaluated)

    def pass_prefix(self) -> int:
        """Take the end of the shared prefix, which is evaluated."""
        assert self.prefix is not None
        passed, self.prefix = self.prefix, None
        return passed

    def pass_turn(self) -> int:
        """Take the begin of the reply's turn, up to which all is evaluated."""
        assert self.turn is not None
        passed, self.turn = self.turn, None
        return passed


@dataclass(slots=True, eq=False)
class Sequence:
    """A job that was accepted."""

    job: Job
    tokens: list[int]
    limit: int  # tokens in all, prompt included
    constraint: Constraint | None = None
    drafter: Drafter | None = None  # None: no speculative decoding
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    n_prompt: int = field(init=False)
    slot: int | None = field(default=None, init=False)  # None: waiting
    n_evaluated: int = field(default=0, init=False)
    n_shared: int = field(default=0, init=False)  # of those, in cells of another running sequence
    last_step: int = field(default=0, init=False)  # number of the last step it was in; 0: none yet
    finish: FinishReason | None = field(default=None, init=False)
    sampler: Sampler = field(init=False)
    forced: deque[int] = field(default_factory=deque, init=False)  # to be scored, then taken
    draft: Draft = field(default=NO_DRAFT, init=False)  # for the next step
    stats: SequenceStats = field(default_factory=SequenceStats, init=False)
    _output: OutputWriter = field(init=False)

    def __post_init__(self) -> None:
        self.n_prompt = len(self.tokens)
        self.sampler = Sampler(self.job.sampling)
        stops = StopFilter((*self.job.stop, *self.job.turn_marks))
        self._output = OutputWriter(stops, self.job.begun)

    # Its position.

    @property
    def n_pending(self) -> int:
        """Tokens that are not evaluated yet."""
        return len(self.tokens) - self.n_evaluated

    @property
    def n_certain(self) -> int:
        """Tokens that it has or must take and that are not evaluated yet."""
        return self.n_pending + len(self.forced)

    @property
    def ahead(self) -> list[int]:
        """Tokens to evaluate after its own."""
        return [*self.forced, *self.draft.ahead]

    @property
    def is_decoding(self) -> bool:
        """True once all that is pending was generated: a short step that somebody waits for."""
        return len(self.tokens) > self.n_prompt <= self.n_evaluated

    @property
    def is_full(self) -> bool:
        """True once it has reached its limit."""
        return len(self.tokens) >= self.limit

    @property
    def scores_prompt(self) -> bool:
        """True while logprobs of the prompt's tokens are wanted."""
        return self.job.prompt_logprobs is not None and self.stats.scored_tokens < self.n_prompt

    # Changes by the scheduler.

    def admit(self, lease: Lease, now: float) -> None:
        """Run in the slot of *lease*, for the first time or after a preemption."""
        self.slot = lease.slot
        self._go_on_from(lease)
        self.stats.start(now, min(lease.length, self.n_prompt))

    def upgrade(self, lease: Lease) -> None:
        """Go on from a longer cached prefix, before anything was evaluated."""
        self._go_on_from(lease)
        self.stats.cached_tokens = min(lease.length, self.n_prompt)

    def _go_on_from(self, lease: Lease) -> None:
        self.n_evaluated = lease.length
        self.n_shared = lease.length if lease.shared else 0
        if lease.diverges and self.checkpoints.prefix is None:
            self.checkpoints.prefix = lease.length

    def note_evaluated(self, end: int, step: int) -> None:
        """Note that the step of that number evaluated its tokens up to *end*, and maybe more."""
        self.n_evaluated = min(end, len(self.tokens))
        self.stats.decode_steps += self.n_evaluated > self.n_prompt
        self.last_step = step

    def settle(self, n_evaluated: int) -> int:
        """Count tokens evaluated ahead that it then took as its own; returns how many."""
        sure, self.n_evaluated = self.n_evaluated, n_evaluated
        self.stats.decode_steps += sure == self.n_prompt < n_evaluated
        return max(0, n_evaluated - sure)

    def drop_draft(self) -> None:
        """Evaluate nothing of the draft; it is still judged."""
        self.draft = Draft(self.draft.guesses)

    def leave(self) -> None:
        """Give up the slot, at the end or to wait for another."""
        self.slot, self.n_evaluated = None, 0

    # Changes by what is chosen.

    def take(
        self, token: int, piece: bytes | None, score: TokenLogprob | None, *, forced: bool
    ) -> None:
        """Append *token*, which ends the reply if it has no *piece*; may set ``finish``."""
        self.tokens.append(token)
        self.stats.forced_tokens += forced
        if piece is None:
            self._output.end()
            self.finish = "stop"
            return
        self._output.feed(token, piece, self.sampler.n_draws, score)
        if self._output.stops.stopped:
            self.finish = "stop"
        elif self.is_full:
            self.finish = "length"

    def end(self, reason: FinishReason) -> None:
        """Set why it ends."""
        self.finish = reason

    # Speculative decoding.

    def propose_draft(self, n_streams: int) -> None:
        """Draft the tokens that may follow; *n_streams* share a step."""
        if self.drafter:
            certain = min(self.n_pending, MOST_CERTAIN) + len(self.forced)
            most = self.limit - len(self.tokens) - len(self.forced) - 1
            load = StepLoad(certain + n_streams - 1, n_streams)
            self.draft = self.drafter.propose(self.forced, self.constraint, most, load)

    def judge_draft(self, taken: list[int], n_fed: int, n_right: int) -> None:
        """Judge the draft by the tokens *taken*; *n_fed* were evaluated, *n_right* rightly."""
        guesses = self.draft.guesses[: self.draft.length]
        self.stats.count_draft(guesses, min(n_fed, len(guesses)), min(n_right, len(guesses)))
        if self.drafter:
            self.drafter.judge(self.draft, taken)
        self.draft = NO_DRAFT

    # Its output.

    def chunk(self) -> Chunk | None:
        """Text since the last chunk, if any."""
        if self.finish is not None:
            self._output.finish()
        return self._output.chunk(self.job.id)

    def done(self, now: float) -> Done:
        """Regular end with its counts."""
        assert self.finish is not None
        prompt_ms, completion_ms = self.stats.milliseconds(now)
        hit = self._output.stops.hit
        return Done(
            id=self.job.id,
            finish_reason=self.finish,
            prompt_tokens=self.n_prompt,
            cached_tokens=self.stats.cached_tokens,
            completion_tokens=len(self.tokens) - self.n_prompt,
            forced_tokens=self.stats.forced_tokens,
            drafted_tokens=self.stats.drafted_tokens,
            accepted_tokens=self.stats.accepted_tokens,
            drafted_predictions=self.stats.drafted_predictions,
            accepted_predictions=self.stats.accepted_predictions,
            decode_steps=self.stats.decode_steps,
            prompt_ms=prompt_ms,
            completion_ms=completion_ms,
            stop_string=hit if hit in self.job.stop else None,
        )
