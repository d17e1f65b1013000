"""The engine: jobs in, messages out, one step at a time.

``submit`` and ``cancel`` may be called between steps; ``step`` is plan, decode, sample, commit.
Every job that is submitted ends with exactly one ``Done`` or ``Failed``.  Knows tokens and time;
nothing of processes, templates or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import dropwhile
from time import monotonic

from gguf_fc.engine.batching.stats import BATCH_BOUNDS, DecodeStats
from gguf_fc.engine.chooser import Chooser
from gguf_fc.engine.constrain.build import constraint_of
from gguf_fc.engine.constrain.llguidance import Compile
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.kv_cache.slots import KvCache
from gguf_fc.engine.model import DecodeError, Feed, Logits, Model, NoRoom
from gguf_fc.engine.prompt_segments import tokens_within
from gguf_fc.engine.scheduler import Scheduler, Step
from gguf_fc.engine.sequence import NOTHING, Sequence
from gguf_fc.engine.speculate.drafter import Drafter, Speculation
from gguf_fc.errors import (
    ContextLengthExceeded,
    EngineError,
    GgufFcError,
    InvalidParameter,
    Overloaded,
)
from gguf_fc.job import (
    Accepted,
    Failed,
    FinishReason,
    FromWorker,
    Handlers,
    Job,
    Load,
    Measure,
    Measured,
    PromptScores,
    Segment,
    Survey,
    Surveyed,
)


class Engine:
    """Runs the jobs of one model, loaded as *load* says.  *emit* receives every message."""

    def __init__(
        self,
        model: Model,
        compile_grammar: Compile,
        emit: Callable[[FromWorker], None],
        load: Load,
        *,
        states: SavedStates | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._model = model
        self._compile = compile_grammar
        self._emit = emit
        self._clock = clock
        self._stats = DecodeStats()
        self._chooser = Chooser(model.vocabulary)
        self._speculation = Speculation(model.vocabulary, model.costs)
        self._drafts = load.drafts and model.can_trim
        self.scheduler = Scheduler(
            KvCache(model, states or SavedStates(max_bytes=0)),
            n_parallel=load.n_parallel,
            n_ctx=model.n_ctx,
            n_batch=model.n_batch,
            max_queue=load.max_queue,
            costs=model.costs,
        )

    @property
    def is_idle(self) -> bool:
        """Whether ``step`` would have nothing to do."""
        return self.scheduler.is_idle

    def submit(self, job: Job) -> None:
        """Queue *job*: ``Accepted``, or ``Failed`` when it cannot run."""
        try:
            sequence = self._prepare(job)
        except GgufFcError as error:
            self._emit(_failed(job.id, error))
            return
        self._emit(Accepted(id=job.id, prompt_tokens=sequence.n_prompt))
        self.scheduler.add(sequence)
        self._guarded(sequence, self._begin)

    @property
    def handlers(self) -> Handlers:
        """Methods that handle the messages meant for the engine."""
        return {Job: self.submit, Measure: self.measure, Survey: self.survey}

    def measure(self, measure: Measure) -> Measured:
        """Length of a prompt, and its cache hit if it were submitted now; changes nothing."""
        tokens = self.scheduler.cache.retokenize(self._model.tokenize(measure.prompt))
        length, decision = self.scheduler.cache.preview(tokens)
        return Measured(
            id=measure.id, prompt_tokens=len(tokens), cached_tokens=length, cache=decision
        )

    def survey(self, survey: Survey) -> Surveyed:
        """Queue lengths now, and decode counters since the start."""
        return Surveyed(
            id=survey.id,
            running=len(self.scheduler.running),
            waiting=len(self.scheduler.waiting),
            batch_bounds=BATCH_BOUNDS,
            batches=tuple(self._stats.batches),
            decoded_tokens=self._stats.tokens,
            decode_seconds=self._stats.seconds,
        )

    def cancel(self, job_id: str) -> None:
        """End that job now; one that has ended already is none of our business."""
        if sequence := self.scheduler.find(job_id):
            self._end(sequence, "cancelled")

    def step(self) -> None:
        """Evaluate one batch and give each sequence that is ready its next tokens."""
        self.scheduler.start_waiting(self._clock())
        step, began = self.scheduler.plan(), self._clock()
        try:
            rows = self._model.decode(step.feeds)
        except NoRoom:
            self._make_room()
        except DecodeError as error:
            self._give_up(step, error)
        else:
            seconds = self._clock() - began
            self._stats.note(step.n_tokens, seconds)
            self.scheduler.commit(step, seconds)
            for sequence, feed, wanted in zip(step.sequences, step.feeds, rows, strict=True):
                if wanted:
                    self._use(sequence, feed, wanted)

    def _prepare(self, job: Job) -> Sequence:
        if self.scheduler.is_full:
            raise Overloaded("Too many requests are waiting for this model; try again later.")
        tokens = self.scheduler.cache.retokenize(self._model.tokenize(job.prompt))
        n_ctx = self._model.n_ctx_seq
        if not tokens:
            raise InvalidParameter("The prompt is empty: it has no token to begin from.")
        if len(tokens) >= n_ctx:
            raise ContextLengthExceeded(
                f"This model's maximum context length is {n_ctx} tokens, "
                f"and the prompt alone has {len(tokens)}. "
                "Shorten the messages or the tools, or start the server with a larger context."
            )
        limit = n_ctx if job.max_tokens is None else min(n_ctx, len(tokens) + job.max_tokens)
        constraint = constraint_of(job, self._compile, self._model)
        drafter = self._drafter(job, tokens) if self._drafts else None
        return Sequence(
            job,
            tokens,
            limit,
            constraint,
            drafter,
            n_prefix=self._prefix_of(job, tokens),
            n_turn=self._turn_of(tokens),
        )

    def _drafter(self, job: Job, tokens: list[int]) -> Drafter:
        prediction = self._model.tokenize((Segment(job.prediction or "", special=False),))
        controls = self._model.vocabulary.special  # such as one that begins every text
        return Drafter(self._speculation, tokens, [*dropwhile(controls.__contains__, prediction)])

    def _turn_of(self, tokens: list[int]) -> int | None:
        """Where the reply's turn begins: with the prompt's last control token, if it has any."""
        if self._model.can_trim:
            return None
        special = self._model.vocabulary.special
        return next((at for at in range(len(tokens) - 1, 0, -1) if tokens[at] in special), None)

    def _prefix_of(self, job: Job, tokens: list[int]) -> int | None:
        """How many of the prompt's *tokens* other conversations begin with; None: unknown."""
        if job.prefix is None:
            return None
        pieces = self._model.vocabulary.pieces
        return tokens_within(job.prompt, job.prefix, (pieces[token] for token in tokens))

    def _begin(self, sequence: Sequence) -> None:
        """What can be said before anything is evaluated."""
        if sequence.is_full and not sequence.scores_prompt:
            sequence.finish = "length"
        elif not sequence.is_full:
            self._chooser.follow_grammar(sequence)

    def _use(self, sequence: Sequence, feed: Feed, rows: list[Logits]) -> None:
        """Score and choose by the *rows* that *feed* yielded."""

        def advance(sequence: Sequence) -> None:
            if sequence.scores_prompt:
                self._score_prompt(sequence, feed, rows)
            if sequence.n_pending == 0:
                self._choose(sequence, feed, rows)

        self._guarded(sequence, advance)

    def _score_prompt(self, sequence: Sequence, feed: Feed, rows: list[Logits]) -> None:
        start = feed.start + len(feed.asked) - len(rows)
        if scores := self._chooser.score_prompt(sequence, start, rows):
            self._emit(PromptScores(id=sequence.job.id, logprobs=scores))

    def _choose(self, sequence: Sequence, feed: Feed, rows: list[Logits]) -> None:
        if sequence.prompt_done is None:
            sequence.prompt_done = self._clock()
        if sequence.is_full:
            sequence.finish = "length"
        ahead = feed.asked[sequence.n_evaluated - feed.start :]
        n_tokens, n_forced = len(sequence.tokens), len(sequence.forced)
        try:
            self._chooser.advance(sequence, ahead, rows[len(rows) - len(ahead) - 1 :])
        finally:
            n_right = self.scheduler.settle(sequence)
            taken = sequence.tokens[n_tokens + n_forced :]
            sequence.judge(taken, max(0, len(ahead) - n_forced), max(0, n_right - n_forced))

    def _guarded(self, sequence: Sequence, advance: Callable[[Sequence], None]) -> None:
        """*advance* a sequence, say what it said, and end it if it is at its end or has failed."""
        try:
            advance(sequence)
        except EngineError as error:
            self._fail(sequence, error)
            return
        if sequence.finish:
            self._end(sequence, sequence.finish)
            return
        if chunk := sequence.chunk():
            self._emit(chunk)
        if sequence.draft is NOTHING:
            sequence.guess(max(1, self.scheduler.n_sharing))

    def _end(self, sequence: Sequence, reason: FinishReason) -> None:
        sequence.finish = reason
        self.scheduler.remove(sequence)
        if chunk := sequence.chunk():
            self._emit(chunk)
        self._emit(sequence.done(reason, self._clock()))

    def _fail(self, sequence: Sequence, error: GgufFcError, *, keep: bool = True) -> None:
        self.scheduler.remove(sequence, keep=keep)
        self._emit(_failed(sequence.job.id, error))

    def _make_room(self) -> None:
        """The memory is full: evict, or preempt; a sequence that does not fit alone must fail."""
        if not self.scheduler.make_room():
            error = EngineError("The model's memory is too small for this request.")
            self._fail(self.scheduler.running[0], error, keep=False)

    def _give_up(self, step: Step, cause: DecodeError) -> None:
        for sequence in step.sequences:
            error = EngineError(f"The model could not evaluate this request: {cause}.")
            self._fail(sequence, error, keep=False)


def _failed(job_id: str, error: GgufFcError) -> Failed:
    return Failed(id=job_id, code=error.code or "engine_error", message=error.message)
