"""One job's state while it runs: its tokens, how far they are evaluated, what it has said.

A sequence's ``tokens`` are its prompt and then its completion; the first ``n_evaluated`` lie in its
slot, the rest is *pending*.  Prompt, sampled and forced tokens differ in nothing but who chose
them, so prefill, decoding and fast-forwarding are all the same: evaluate what is pending.
What is evaluated *ahead* comes after them and is not theirs yet.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gguf_fc.engine.constrain.llguidance import Constraint
from gguf_fc.engine.output.stop_strings import StopFilter
from gguf_fc.engine.output.writer import OutputWriter
from gguf_fc.engine.sample.sampler import Sampler
from gguf_fc.engine.speculate.drafter import Draft, Drafter, StepLoad
from gguf_fc.job import Chunk, Done, FinishReason, Job, TokenLogprob

NOTHING = Draft()
MOST_CERTAIN = 64  # tokens of a prompt's last batch that count when a draft is priced


@dataclass(slots=True, eq=False)
class Sequence:
    """A job that was accepted."""

    job: Job
    tokens: list[int]
    limit: int  # tokens in all, prompt included
    constraint: Constraint | None = None
    drafter: Drafter | None = None  # None: nothing is guessed
    n_prefix: int | None = None  # tokens that other conversations begin with too; None: unknown
    n_turn: int | None = None  # tokens before the reply's turn begins, where that matters
    n_prompt: int = field(init=False)
    slot: int | None = None  # None: waiting
    n_evaluated: int = 0
    n_shared: int = 0  # of those, cells that belong to another running sequence too
    is_begun: bool = False  # something of it was evaluated
    cached_tokens: int | None = None  # None: not started yet
    forced_tokens: int = 0
    decode_steps: int = 0
    last_step: int = 0  # the number of the step that evaluated something of it last
    started: float = 0.0
    prompt_done: float | None = None
    finish: FinishReason | None = None
    sampler: Sampler = field(init=False)
    forced: deque[int] = field(default_factory=deque, init=False)  # to be scored, then taken
    n_scored: int = 0  # tokens of the prompt whose logprobs were wanted and are known
    draft: Draft = field(default=NOTHING, init=False)  # of what follows, for one step
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    drafted_predictions: int = 0
    accepted_predictions: int = 0
    _output: OutputWriter = field(init=False)

    def __post_init__(self) -> None:
        self.n_prompt = len(self.tokens)
        self.sampler = Sampler(self.job.sampling)
        self._output = OutputWriter(StopFilter(self.job.stop))

    @property
    def n_pending(self) -> int:
        return len(self.tokens) - self.n_evaluated

    @property
    def n_certain(self) -> int:
        """How many tokens it has or must take are not evaluated yet."""
        return self.n_pending + len(self.forced)

    @property
    def n_completion(self) -> int:
        return len(self.tokens) - self.n_prompt

    @property
    def is_full(self) -> bool:
        """Whether it may have no token more."""
        return len(self.tokens) >= self.limit

    @property
    def is_scored(self) -> bool:
        """Whether the logits before every token of the reply are wanted."""
        return self.job.logprobs is not None

    @property
    def scores_prompt(self) -> bool:
        """Whether logits are still wanted for the prompt."""
        return self.job.prompt_logprobs is not None and self.n_scored < self.n_prompt

    @property
    def reusable(self) -> list[int]:
        """The tokens that need no evaluation where somebody evaluated them before."""
        return [] if self.scores_prompt else self.tokens

    @property
    def ahead(self) -> list[int]:
        """What to evaluate beyond its tokens."""
        return [*self.forced, *self.draft.ahead]

    @property
    def is_decoding(self) -> bool:
        """Whether all that is pending was generated: a short step, somebody is waiting for it."""
        return self.n_completion > 0 and self.n_evaluated >= self.n_prompt

    def take(
        self, token: int, piece: bytes | None, score: TokenLogprob | None, *, forced: bool
    ) -> None:
        """*token* is next, the end of the reply if it has no *piece*; may set ``finish``."""
        self.tokens.append(token)
        self.forced_tokens += forced
        if piece is None:
            self._output.end()
            self.finish = "stop"
            return
        self._output.feed(piece, score)
        if self._output.stops.stopped:
            self.finish = "stop"
        elif self.is_full:
            self.finish = "length"

    def guess(self, n_streams: int) -> None:
        """Draft what may follow; *n_streams* share a step."""
        if self.drafter:
            certain = min(self.n_pending, MOST_CERTAIN) + len(self.forced)
            most = self.limit - len(self.tokens) - len(self.forced) - 1
            work = StepLoad(certain + n_streams - 1, n_streams)
            self.draft = self.drafter.propose(self.forced, self.constraint, most, work)

    def judge(self, taken: list[int], n_fed: int, n_right: int) -> None:
        """It went on with *taken*; *n_fed* of the draft were evaluated, *n_right* rightly."""
        guesses = self.draft.guesses[: self.draft.n_worth]
        n_fed, n_right = min(n_fed, len(guesses)), min(n_right, len(guesses))
        self.drafted_tokens += n_fed
        self.accepted_tokens += n_right
        self.drafted_predictions += sum(guess.is_prediction for guess in guesses[:n_fed])
        self.accepted_predictions += sum(guess.is_prediction for guess in guesses[:n_right])
        if self.drafter:
            self.drafter.judge(self.draft, taken)
        self.draft = NOTHING

    def chunk(self) -> Chunk | None:
        """What was said since the last chunk, if anything."""
        if self.finish is not None:
            self._output.finish()
        return self._output.chunk(self.job.id)

    def done(self, reason: FinishReason, now: float) -> Done:
        """The regular end, with its counts."""
        began = now if self.cached_tokens is None else self.started
        switched = now if self.prompt_done is None else self.prompt_done
        return Done(
            id=self.job.id,
            finish_reason=reason,
            prompt_tokens=self.n_prompt,
            cached_tokens=self.cached_tokens or 0,
            completion_tokens=self.n_completion,
            forced_tokens=self.forced_tokens,
            drafted_tokens=self.drafted_tokens,
            accepted_tokens=self.accepted_tokens,
            drafted_predictions=self.drafted_predictions,
            accepted_predictions=self.accepted_predictions,
            decode_steps=self.decode_steps,
            prompt_ms=(switched - began) * 1000,
            completion_ms=(now - switched) * 1000,
            stop_string=self._output.stops.hit,
        )
