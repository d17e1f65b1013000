"""One job's state while it runs: its tokens, how far they are evaluated, what it has said.

A sequence's ``tokens`` are its prompt and then its completion; the first ``n_evaluated`` lie in its
slot, the rest is *pending*.  Prompt, sampled and forced tokens differ in nothing but who chose
them, so prefill, decoding and fast-forwarding are all the same: evaluate what is pending.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.engine.constraint import Constraint
from gguf_fc.engine.detokenize import Detokenizer
from gguf_fc.engine.sampler import Sampler
from gguf_fc.engine.stops import StopFilter
from gguf_fc.job import Chunk, Done, FinishReason, Job


@dataclass(slots=True, eq=False)
class Sequence:
    """A job that was accepted."""

    job: Job
    tokens: list[int]
    limit: int  # tokens in all, prompt included
    constraint: Constraint | None = None
    n_prefix: int | None = None  # tokens that other conversations begin with too; None: unknown
    n_prompt: int = field(init=False)
    slot: int | None = None  # None: waiting
    n_evaluated: int = 0
    n_shared: int = 0  # of those, cells that belong to another running sequence too
    is_begun: bool = False  # something of it was evaluated
    cached_tokens: int | None = None  # None: not started yet
    forced_tokens: int = 0
    decode_steps: int = 0
    started: float = 0.0
    prompt_done: float | None = None
    finish: FinishReason | None = None
    sampler: Sampler = field(init=False)
    _detokenizer: Detokenizer = field(default_factory=Detokenizer, init=False)
    _stops: StopFilter = field(init=False)
    _said: str = field(default="", init=False)
    _n_unsaid: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.n_prompt = len(self.tokens)
        self.sampler = Sampler(self.job.sampling)
        self._stops = StopFilter(self.job.stop)

    @property
    def n_pending(self) -> int:
        return len(self.tokens) - self.n_evaluated

    @property
    def n_completion(self) -> int:
        return len(self.tokens) - self.n_prompt

    @property
    def is_decoding(self) -> bool:
        """Whether all that is pending was generated: a short step, somebody is waiting for it."""
        return self.n_completion > 0 and self.n_evaluated >= self.n_prompt

    def take(self, token: int, piece: bytes, *, ends: bool, forced: bool = False) -> None:
        """*token* is next; sets ``finish`` when it is the last."""
        self.tokens.append(token)
        self.forced_tokens += forced
        self._n_unsaid += 1
        if ends:
            self.finish = "stop"
            return
        self._said += self._stops.feed(self._detokenizer.feed(piece))
        if self._stops.stopped:
            self.finish = "stop"
        elif len(self.tokens) >= self.limit:
            self.finish = "length"

    def chunk(self) -> Chunk | None:
        """What was said since the last chunk, if anything."""
        if self.finish is not None and not self._stops.stopped:
            self._said += self._stops.feed(self._detokenizer.finish()) + self._stops.finish()
        if not self._said:
            return None
        chunk = Chunk(id=self.job.id, text=self._said, n_tokens=self._n_unsaid)
        self._said, self._n_unsaid = "", 0
        return chunk

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
            decode_steps=self.decode_steps,
            prompt_ms=(switched - began) * 1000,
            completion_ms=(now - switched) * 1000,
            stop_string=self._stops.hit,
        )
