"""The engine: jobs in, messages out, one step at a time.

``submit`` and ``cancel`` may be called between steps; ``step`` is plan, decode, sample, commit.
Every job that is submitted ends with exactly one ``Done`` or ``Failed``.  Knows tokens and time;
nothing of processes, templates or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic

from gguf_fc.engine.batching.stats import BATCH_BOUNDS, DecodeStats
from gguf_fc.engine.build_sequence import ReadTexts, SequenceBuilder
from gguf_fc.engine.chooser import Chooser
from gguf_fc.engine.constrain.constraint import Compile
from gguf_fc.engine.kv_cache.cache import KvCache
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.long_texts import Rest, refuse_too_long
from gguf_fc.engine.model import DecodeError, Feed, Logits, Model, NoRoom
from gguf_fc.engine.schedule.planner import Planner
from gguf_fc.engine.schedule.scheduler import Scheduler
from gguf_fc.engine.schedule.step import Step
from gguf_fc.engine.sequence import Sequence
from gguf_fc.engine.speculate.drafter import NO_DRAFT
from gguf_fc.errors import EngineError, GgufFcError, Overloaded
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
    Survey,
    Surveyed,
)


class Engine:
    """Runs the jobs of one model, loaded as *load* says.  *emit* receives every message.

    It owns the KV cache, ``cache``, which saves to *states*.
    """

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
        self._emit = emit
        self._clock = clock
        self._stats = DecodeStats()
        self._chooser = Chooser(model.vocabulary)
        self.cache = KvCache(model, states or SavedStates(max_bytes=0))
        drafts = load.drafts and model.can_trim  # a wrong draft has to be cut off again
        self._builder = SequenceBuilder(model, self.cache, compile_grammar, drafts)
        self.scheduler = Scheduler(
            self.cache,
            Planner(model.n_batch, model.costs, model.can_trim),
            n_parallel=load.n_parallel,
            n_ctx=model.n_ctx,
            max_queue=load.max_queue,
        )

    @property
    def handlers(self) -> Handlers:
        """Methods that handle the messages meant for the engine."""
        return {Job: self.submit, Measure: self.measure, Survey: self.survey}

    def read_job(self, job: Job) -> Rest:
        """Read the long texts of *job*, in any thread.  Raises ContextLengthExceeded."""
        return partial(self.submit, job, self._builder.read(job))

    def read_measure(self, measure: Measure) -> Rest:
        """Read the long prompt of *measure*, in any thread.  Raises BodyTooLarge."""
        refuse_too_long(measure)
        return partial(self._measured, measure.id, self._model.tokenize(measure.prompt))

    @property
    def is_idle(self) -> bool:
        """True when ``step`` has nothing to do."""
        return self.scheduler.is_idle

    def submit(self, job: Job, texts: ReadTexts | None = None) -> None:
        """Queue *job*: ``Accepted``, or ``Failed`` when it cannot run.

        *texts* are its texts if they were read before.
        """
        try:
            if self.scheduler.is_full and not job.begun:
                raise Overloaded("Too many requests are waiting for this model; try again later.")
            sequence = self._builder.build(job, texts or self._builder.read(job))
        except GgufFcError as error:
            self._emit(Failed.because(job.id, error))
            return
        self._emit(Accepted(id=job.id, prompt_tokens=sequence.n_prompt))
        self.scheduler.add(sequence)
        self._guarded(sequence, self._begin)

    def measure(self, measure: Measure) -> Measured:
        """Length of a prompt, and its cache hit if it were submitted now; changes nothing."""
        return self._measured(measure.id, self._model.tokenize(measure.prompt))

    def _measured(self, measure_id: str, tokens: list[int]) -> Measured:
        tokens = self.cache.retokenize(tokens)
        length, decision = self.cache.preview(tokens)
        return Measured(
            id=measure_id, prompt_tokens=len(tokens), cached_tokens=length, cache=decision
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
        """End that job now; nothing where it has ended already."""
        if sequence := self.scheduler.find(job_id):
            self._end(sequence, "cancelled")

    def step(self) -> None:
        """Evaluate one batch and give each sequence that is ready its next tokens."""
        self.scheduler.admit_waiting(self._clock())
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

    def _begin(self, sequence: Sequence) -> None:
        """Take what can be taken before anything is evaluated.

        The tokens that an earlier worker chose, or the grammar's forced beginning.
        """
        begun = sequence.job.begun
        if begun:
            sequence.stats.count_scored(begun.n_scored)
        if sequence.is_full and not sequence.scores_prompt:
            sequence.end("length")
        elif begun and begun.tokens:
            self._chooser.retake(sequence, begun)
        elif not sequence.is_full:
            self._chooser.follow_grammar(sequence)

    def _use(self, sequence: Sequence, feed: Feed, rows: list[Logits]) -> None:
        """Score and choose by the *rows* of logits that *feed* yielded."""

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
        """Choose the next tokens; judge the draft by them."""
        if sequence.stats.prompt_done is None:
            sequence.stats.end_prompt(self._clock())
        if sequence.is_full:
            sequence.end("length")
        ahead = feed.asked[sequence.n_evaluated - feed.start :]
        n_tokens, n_forced = len(sequence.tokens), len(sequence.forced)
        try:
            self._chooser.advance(sequence, ahead, rows[len(rows) - len(ahead) - 1 :])
        finally:
            n_right = self.scheduler.settle(sequence)
            taken = sequence.tokens[n_tokens + n_forced :]
            sequence.judge_draft(taken, max(0, len(ahead) - n_forced), max(0, n_right - n_forced))

    def _guarded(self, sequence: Sequence, advance: Callable[[Sequence], None]) -> None:
        """Run *advance*, emit the new text, and end the sequence if it is at its end or fails."""
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
        if sequence.draft is NO_DRAFT:
            sequence.propose_draft(max(1, self.scheduler.n_sharing))

    def _end(self, sequence: Sequence, reason: FinishReason) -> None:
        sequence.end(reason)
        self.scheduler.remove(sequence)
        if chunk := sequence.chunk():
            self._emit(chunk)
        self._emit(sequence.done(self._clock()))

    def _fail(self, sequence: Sequence, error: GgufFcError, *, keep: bool = True) -> None:
        self.scheduler.remove(sequence, keep=keep)
        self._emit(Failed.because(sequence.job.id, error))

    def _make_room(self) -> None:
        """Evict or preempt, as the memory is full; a sequence that does not fit alone fails."""
        if not self.scheduler.make_room():
            error = EngineError("The model's memory is too small for this request.")
            self._fail(self.scheduler.running[0], error, keep=False)

    def _give_up(self, step: Step, cause: DecodeError) -> None:
        """Fail the sequences of *step*: what their slots hold is unknown."""
        for sequence in step.sequences:
            error = EngineError(f"The model could not evaluate this request: {cause}.")
            self._fail(sequence, error, keep=False)
