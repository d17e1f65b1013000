"""Scheduler: which sequences run, which wait, which are preempted.  Calls nothing native.

Theory of operation.
1. Running sequences each own a slot.  What each step evaluates of them is the ``Planner``'s to say.
2. Waiting sequences are admitted in order of arrival, when a slot is free and the cells that
   running sequences may still need leave room.  Nobody overtakes, so nobody starves.
3. A sequence that begins like an older one waits while that one evaluates the prefix they have in
   common, and then shares it.  It keeps its slot and its turn meanwhile.
4. A slot of a recurrent model cannot be cut, so it is saved or copied at checkpoints: at the end of
   the shared prefix and where the reply's turn begins.
5. When the memory is full all the same, padding and drafts are given up first, then idle slots;
   then the youngest running sequence is preempted: it goes back to the head of the queue, and what
   it had is saved and loaded later.  Its text so far is unharmed.  Then nobody is admitted until a
   running one has ended, or the two would evict each other for ever.  One sequence alone always
   fits: it ends at its own limit before the memory does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gguf_fc.engine.kv_cache.cache import KvCache
from gguf_fc.engine.kv_cache.slots import LEAST_PREFIX
from gguf_fc.engine.schedule.planner import Planner
from gguf_fc.engine.schedule.prefix_sharing import promised, shareable
from gguf_fc.engine.schedule.step import Step
from gguf_fc.engine.sequence import Sequence


@dataclass(slots=True, eq=False)
class Scheduler:
    """The queue and the running sequences, which evaluate into *cache* what *planner* plans."""

    cache: KvCache
    planner: Planner
    n_parallel: int
    n_ctx: int
    max_queue: int
    running: list[Sequence] = field(default_factory=list, init=False)  # oldest first
    waiting: deque[Sequence] = field(default_factory=deque, init=False)
    _is_crowded: bool = field(default=False, init=False)  # a sequence was preempted
    _n_steps: int = field(default=0, init=False)

    @property
    def is_idle(self) -> bool:
        """True when no sequence runs or waits."""
        return not self.running and not self.waiting

    @property
    def is_full(self) -> bool:
        """True when the queue has no place for one more sequence."""
        free = self.n_parallel - len(self.running)
        return len(self.waiting) >= self.max_queue + free

    @property
    def n_sharing(self) -> int:
        """Streams that share a step."""
        return self.planner.streams_per_step(sum(seq.is_decoding for seq in self.running))

    def add(self, sequence: Sequence) -> None:
        """Append *sequence* to the queue."""
        self.waiting.append(sequence)

    def find(self, job_id: str) -> Sequence | None:
        """The sequence of that job, running or waiting."""
        everyone = (*self.running, *self.waiting)
        return next((sequence for sequence in everyone if sequence.job.id == job_id), None)

    def admit_waiting(self, now: float) -> None:
        """Give slots to sequences at the head of the queue for which there is room."""
        n_running = len(self.running)
        while self.waiting and len(self.running) < self.n_parallel and self._fits(self.waiting[0]):
            sequence = self.waiting.popleft()
            reusable = [] if sequence.scores_prompt else sequence.tokens  # each needs its logits
            sequence.admit(self.cache.acquire(reusable), now)
            self.running.append(sequence)
        if len(self.running) > n_running:
            self.cache.evict_saved()

    def _fits(self, sequence: Sequence) -> bool:
        """Test that the cells that running sequences leave are enough for *sequence*."""
        if not self.running:
            return True
        if self._is_crowded:
            return False
        taken = sum(len(other.tokens) + 1 - other.n_shared for other in self.running)
        shared = 0
        if self.cache.can_trim:
            shared = max(shareable(sequence, other) for other in self.running)
        return taken + len(sequence.tokens) + 1 - shared <= self.n_ctx

    def plan(self) -> Step:
        """The next step."""
        decoding = [sequence for sequence in self.running if sequence.is_decoding]
        reading = [
            sequence
            for sequence in self.running
            if not sequence.is_decoding and not self._waits_for_older(sequence)
        ]
        return self.planner.plan(decoding, reading)

    def _waits_for_older(self, sequence: Sequence) -> bool:
        """True while an older sequence evaluates a prefix that *sequence* will share.

        Once that is done, *sequence* shares it.
        """
        is_begun = sequence.last_step > 0  # then its slot is its own: it cannot be replaced
        if is_begun or sequence.scores_prompt:
            return False
        older = self.running[: self.running.index(sequence)]
        nearly = sequence.n_evaluated + LEAST_PREFIX
        can_trim = self.cache.can_trim
        if any(
            promised(sequence, other, can_trim=can_trim) > max(other.n_evaluated, nearly)
            for other in older
        ):
            return True
        lease = self.cache.upgrade(_slot_of(sequence), sequence.tokens, sequence.n_evaluated)
        if lease.length > sequence.n_evaluated:
            sequence.upgrade(lease)
        return False

    def commit(self, step: Step, seconds: float) -> None:
        """Note that *step* was evaluated.  Its draft tokens are left to ``settle``."""
        self.planner.note(step, seconds)
        self._n_steps += 1
        for sequence, feed in zip(step.sequences, step.feeds, strict=True):
            end = feed.start + len(feed.asked)
            if feed.n_padding:
                self.cache.drop_padding(feed.slot, end)
            sequence.note_evaluated(end, self._n_steps)
            self.cache.append(feed.slot, feed.asked)
            self._keep_checkpoints(sequence)

    def settle(self, sequence: Sequence) -> int:
        """Drop the draft tokens of *sequence* that are not what it then took.

        Returns how many were right.
        """
        slot = _slot_of(sequence)
        return sequence.settle(self.cache.settle(slot, sequence.tokens, sequence.n_evaluated))

    def _keep_checkpoints(self, sequence: Sequence) -> None:
        """Pin the shared prefix, and save the state before the reply's turn, once evaluated."""
        points, n_evaluated = sequence.checkpoints, sequence.n_evaluated
        if points.prefix is not None and n_evaluated >= points.prefix:
            self.cache.pin(_slot_of(sequence), points.pass_prefix())
        if points.turn is not None and n_evaluated >= points.turn:
            turn = points.pass_turn()
            if turn == n_evaluated:
                self.cache.checkpoint(_slot_of(sequence))

    def make_room(self) -> bool:
        """Free cells at the least cost; False if nothing but one sequence is left to give up."""
        if self.planner.stop_padding() or self._drop_drafts() or self.cache.evict():
            return True
        if len(self.running) <= 1:
            return False
        self._preempt(self.running[-1])
        return True

    def _drop_drafts(self) -> bool:
        """Evaluate no drafts in the next step; False if there were none."""
        if not any(sequence.draft.length for sequence in self.running):
            return False
        for sequence in self.running:
            sequence.drop_draft()
        return True

    def _preempt(self, sequence: Sequence) -> None:
        """Put *sequence* back at the head of the queue; its slot is saved and emptied."""
        self._leave(sequence)
        self.cache.preempt(_slot_of(sequence))
        sequence.leave()
        self.waiting.appendleft(sequence)
        self._is_crowded = True

    def remove(self, sequence: Sequence, *, keep: bool = True) -> None:
        """Remove *sequence*, which has ended; with *keep* what its slot holds stays cached."""
        if sequence.slot is None:
            self.waiting.remove(sequence)
            return
        self._leave(sequence)
        self._is_crowded = False
        self.planner.resume_padding()
        if not keep:
            self.cache.discard(sequence.slot)
        sequence.leave()

    def _leave(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self.cache.release(_slot_of(sequence))

    def check(self) -> None:
        """Assert that the books are balanced."""
        assert len(self.running) <= self.n_parallel
        assert all(sequence.slot is None for sequence in self.waiting)
        busy = {_slot_of(s): s.tokens[: s.n_evaluated] for s in self.running}
        assert len(busy) == len(self.running)
        self.cache.check(busy)


def _slot_of(sequence: Sequence) -> int:
    assert sequence.slot is not None
    return sequence.slot
