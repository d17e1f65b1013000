"""Who runs, who waits, and what the next step evaluates.  Calls nothing native.

Theory of operation.
1. Running sequences each own a slot.  A step first takes the pending tokens of all that are
   decoding, then fills up with chunks of prompts, oldest first.  Drafts share what room they have
   equally.  Where one sequence is alone, what is certain goes in the cheapest parts.
2. How much of prompts and drafts is the ``Pace``'s to say: neither a long prompt nor what is
   guessed for others stalls a running stream, and a cancelled one ends within a step.
3. Waiting sequences start in order of arrival, when a slot is free and the cells that running
   sequences may still need leave room.  Nobody overtakes, so nobody starves.
4. A sequence that begins like an older one waits for as long as that one evaluates what they have
   in common, and then shares it.  It keeps its slot and its turn meanwhile.
5. A slot of a recurrent model cannot be cut: chunks of its prompt end where something is kept, at
   the common beginning of conversations and where the reply's turn begins.
6. When the memory is full all the same, drafts are given up first, then idle slots; then the
   youngest running sequence goes back to the head of the queue; what it had is saved and loaded
   later.  Its text so far is unharmed.  Then nobody starts until a running one has ended, or the
   two would evict each other for ever.  One sequence alone always fits: it ends at its own limit
   before the memory does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.batching.pace import Pace
from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.slots import LEAST_PREFIX, KvCache, Lease
from gguf_fc.engine.model import Feed
from gguf_fc.engine.sequence import Sequence
from gguf_fc.engine.speculate.drafter import Draft

MOST_SCORED = 64  # tokens of a prompt that is scored; each takes a row of logits


@dataclass(frozen=True, slots=True)
class Step:
    """What one decode evaluates, sequence by sequence."""

    sequences: list[Sequence]
    feeds: list[Feed]

    @property
    def n_tokens(self) -> int:
        """How many tokens somebody asked for."""
        return sum(len(feed.asked) for feed in self.feeds)

    @property
    def n_prompt(self) -> int:
        """How many of the tokens are prompts'."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        return sum(len(feed.asked) for seq, feed in pairs if feed.start < seq.n_prompt)

    @property
    def n_ahead(self) -> int:
        """How many are guesses of what those that decode will take."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        streams = ((seq, feed) for seq, feed in pairs if feed.start >= seq.n_prompt)
        return sum(max(0, len(feed.asked) - seq.n_certain) for seq, feed in streams)

    @property
    def n_streams(self) -> int:
        """How many of the sequences decode."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        return sum(feed.start >= seq.n_prompt for seq, feed in pairs)


@dataclass(slots=True, eq=False)
class Scheduler:
    """The queue and the running sequences."""

    cache: KvCache
    n_parallel: int
    n_ctx: int
    n_batch: int
    max_queue: int
    costs: Costs = field(default_factory=Costs)
    running: list[Sequence] = field(default_factory=list, init=False)  # oldest first
    waiting: deque[Sequence] = field(default_factory=deque, init=False)
    pace: Pace = field(init=False)
    is_crowded: bool = field(default=False, init=False)  # somebody had to go back to the queue
    is_tight: bool = field(default=False, init=False)  # there was no room for a filled up step
    _n_steps: int = field(default=0, init=False)
    _is_filled: bool = field(default=False, init=False)  # the last step was

    def __post_init__(self) -> None:
        self.pace = Pace(self.n_batch)

    @property
    def is_idle(self) -> bool:
        return not self.running and not self.waiting

    @property
    def is_full(self) -> bool:
        """Whether one more would wait longer than the queue allows."""
        free = self.n_parallel - len(self.running)
        return len(self.waiting) >= self.max_queue + free

    def add(self, sequence: Sequence) -> None:
        """Let *sequence* wait for its turn."""
        self.waiting.append(sequence)

    def find(self, job_id: str) -> Sequence | None:
        """The sequence of that job, running or waiting."""
        everyone = (*self.running, *self.waiting)
        return next((sequence for sequence in everyone if sequence.job.id == job_id), None)

    def start_waiting(self, now: float) -> None:
        """Give slots to those whose turn it is."""
        n_running = len(self.running)
        while self.waiting and len(self.running) < self.n_parallel and self._fits(self.waiting[0]):
            sequence = self.waiting.popleft()
            lease = self.cache.acquire(sequence.reusable)
            sequence.slot = lease.slot
            self._begin(sequence, lease)
            if sequence.cached_tokens is None:
                sequence.cached_tokens = min(lease.length, sequence.n_prompt)
                sequence.started = now
            self.running.append(sequence)
        if len(self.running) > n_running:
            self.cache.clear()

    @staticmethod
    def _begin(sequence: Sequence, lease: Lease) -> None:
        sequence.n_evaluated = lease.length
        sequence.n_shared = lease.length if lease.shared else 0
        if lease.parted and sequence.n_prefix is None:
            sequence.n_prefix = lease.length

    def _fits(self, sequence: Sequence) -> bool:
        if not self.running:
            return True
        if self.is_crowded:
            return False
        taken = sum(len(other.tokens) + 1 - other.n_shared for other in self.running)
        shared = max(_in_common(sequence, other) for other in self.running)
        if not self.cache.memory.can_trim:
            shared = 0
        return taken + len(sequence.tokens) + 1 - shared <= self.n_ctx

    def plan(self) -> Step:
        """The next step: what decodes, then what of the prompts the pace allows."""
        step = Step([], [])
        decoding = [sequence for sequence in self.running if sequence.is_decoding]
        reading = [
            sequence
            for sequence in self.running
            if not sequence.is_decoding and not self._waits_for_older(sequence)
        ]
        if not reading:
            decoding = self._turn(decoding)
        room = self.pace.room(len(decoding), prompts_wait=bool(reading))
        self._feed_streams(step, decoding, room.ahead, is_filled_up=bool(reading))
        extra = self.costs.filling(step.n_tokens, room.extra - step.n_ahead)
        most = min(self.n_batch, step.n_tokens + extra)
        for sequence in reading:
            self._feed(step, sequence, most - step.n_tokens, most - step.n_tokens)
        self._fill_up(step)
        return step

    def _turn(self, decoding: list[Sequence]) -> list[Sequence]:
        """Those whose turn it is: all, or who waited longest where few at a time take less time."""
        n_sharing = self.n_sharing
        if n_sharing == len(decoding):
            return decoding
        return sorted(decoding, key=lambda sequence: sequence.last_step)[:n_sharing]

    def _fill_up(self, step: Step) -> None:
        """Evaluate more tokens where these cost less: any, which are dropped right afterwards."""
        n_more = self.costs.full(step.n_tokens) - step.n_tokens
        self._is_filled = False
        if not n_more or self.is_tight or not self.cache.memory.can_trim:
            return
        for at, (sequence, feed) in enumerate(zip(step.sequences, step.feeds, strict=True)):
            end = feed.start + len(feed.tokens)
            if len(sequence.tokens) <= end <= sequence.limit - n_more:
                filled = [*feed.tokens, *[feed.tokens[-1]] * n_more]
                step.feeds[at] = replace(feed, tokens=filled, n_filling=n_more)
                self._is_filled = True
                return

    def _feed_streams(
        self, step: Step, decoding: list[Sequence], room: int, *, is_filled_up: bool
    ) -> None:
        """Add all that is pending, and of what is evaluated ahead as much as there is *room* for.

        Where several share a step that is not filled up with prompts, it has whole groups.
        """
        wanted = [len(sequence.draft.ahead) for sequence in decoding]
        if len(decoding) > 1 and not is_filled_up:
            certain = sum(sequence.n_certain for sequence in decoding)
            room = max(0, self.costs.whole(certain + min(room, sum(wanted))) - certain)
        pending = sum(sequence.n_pending for sequence in decoding)
        for sequence, share in zip(decoding, _shares(wanted, room), strict=True):
            most = self.n_batch - step.n_tokens
            if len(decoding) == 1 and not is_filled_up and not sequence.ahead:
                most = min(most, self.costs.first_part(pending))
            n_ahead = len(sequence.forced) + share
            self._feed(step, sequence, most, min(n_ahead, max(0, most - pending)))
            pending -= sequence.n_pending

    def _waits_for_older(self, sequence: Sequence) -> bool:
        """Whether an older sequence is evaluating what this one begins with.

        When that is done, this one shares it.
        """
        if sequence.is_begun or sequence.scores_prompt:
            return False
        older = self.running[: self.running.index(sequence)]
        nearly = sequence.n_evaluated + LEAST_PREFIX
        if any(self._promised(sequence, other) > max(other.n_evaluated, nearly) for other in older):
            return True
        lease = self.cache.improve(self._slot_of(sequence), sequence.tokens, sequence.n_evaluated)
        if lease.length > sequence.n_evaluated:
            self._begin(sequence, lease)
            sequence.cached_tokens = min(lease.length, sequence.n_prompt)
        return False

    def _promised(self, sequence: Sequence, other: Sequence) -> int:
        """How many tokens *sequence* can share with *other* once that has evaluated them."""
        shared = _in_common(sequence, other)
        if self.cache.memory.can_trim:
            return shared
        prefix = other.n_prefix or 0
        return prefix if prefix <= shared else 0

    def _feed(self, step: Step, sequence: Sequence, most: int, most_ahead: int) -> None:
        """Add what of *sequence* fits: its pending tokens, then what is evaluated ahead."""
        scored = sequence.scores_prompt
        if scored:
            most = min(most, MOST_SCORED)
        if most <= 0:
            return
        start = sequence.n_evaluated
        if not self.cache.memory.can_trim:
            most = min(most, _to_next_cut(sequence))
        tokens = sequence.tokens[start : start + most]
        n_rows = 0
        if len(tokens) == sequence.n_pending:
            ahead = sequence.ahead[: min(most - len(tokens), most_ahead)]
            tokens, n_rows = tokens + ahead, 1 + len(ahead)
        assert sequence.slot is not None
        step.sequences.append(sequence)
        step.feeds.append(Feed(sequence.slot, start, tokens, len(tokens) if scored else n_rows))

    def commit(self, step: Step, seconds: float) -> None:
        """*step* was evaluated.  What it evaluated ahead is left to ``settle``."""
        self.pace.note(step.n_streams, step.n_prompt, step.n_ahead, seconds)
        self._n_steps += 1
        for sequence, feed in zip(step.sequences, step.feeds, strict=True):
            end = feed.start + len(feed.asked)
            if feed.n_filling:
                self.cache.memory.trim(feed.slot, end)
            sequence.n_evaluated = min(end, len(sequence.tokens))
            sequence.decode_steps += sequence.n_evaluated > sequence.n_prompt
            sequence.is_begun, sequence.last_step = True, self._n_steps
            self.cache.extend(feed.slot, feed.asked)
            self._pin(sequence)

    def settle(self, sequence: Sequence) -> int:
        """Drop what was evaluated ahead of *sequence* and is not what it then took.

        Returns how many tokens were.
        """
        slot, sure = self._slot_of(sequence), sequence.n_evaluated
        sequence.n_evaluated = self.cache.keep(slot, sequence.tokens, sure)
        sequence.decode_steps += sure == sequence.n_prompt < sequence.n_evaluated
        return max(0, sequence.n_evaluated - sure)

    def _pin(self, sequence: Sequence) -> None:
        """Once what *sequence* has in common with other conversations is evaluated, keep it.

        So is what its next turn begins with, where the slot cannot be cut there later.
        """
        if sequence.n_prefix is not None and sequence.n_evaluated >= sequence.n_prefix:
            self.cache.pin(self._slot_of(sequence), sequence.n_prefix)
            sequence.n_prefix = None
        if sequence.n_turn is not None and sequence.n_evaluated >= sequence.n_turn:
            if sequence.n_evaluated == sequence.n_turn:
                self.cache.save(self._slot_of(sequence))
            sequence.n_turn = None

    @property
    def n_sharing(self) -> int:
        """How many streams share a step."""
        n_decoding = sum(sequence.is_decoding for sequence in self.running)
        return self.costs.together(n_decoding) if n_decoding > 1 else n_decoding

    def make_room(self) -> bool:
        """Free cells at the least cost; False if nothing but one sequence is left to give up."""
        if self._is_filled:
            self.is_tight = True
            return True
        if any(sequence.draft.n_worth for sequence in self.running):
            for sequence in self.running:
                sequence.draft = Draft(sequence.draft.guesses)
            return True
        if self.cache.evict():
            return True
        if len(self.running) <= 1:
            return False
        youngest = self.running[-1]
        self._leave(youngest)
        self.cache.set_aside(self._slot_of(youngest))
        youngest.slot, youngest.n_evaluated = None, 0
        self.waiting.appendleft(youngest)
        self.is_crowded = True
        return True

    def remove(self, sequence: Sequence, *, keep: bool = True) -> None:
        """*sequence* has ended; with *keep* what its slot holds stays for others."""
        if sequence.slot is None:
            self.waiting.remove(sequence)
            return
        self._leave(sequence)
        self.is_crowded = self.is_tight = False
        if not keep:
            self.cache.forget(sequence.slot)
        sequence.slot = None

    def _leave(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self.cache.release(self._slot_of(sequence))

    @staticmethod
    def _slot_of(sequence: Sequence) -> int:
        assert sequence.slot is not None
        return sequence.slot

    def check(self) -> None:
        """Assert that the books are balanced."""
        assert len(self.running) <= self.n_parallel
        assert all(sequence.slot is None for sequence in self.waiting)
        busy = {self._slot_of(s): s.tokens[: s.n_evaluated] for s in self.running}
        assert len(busy) == len(self.running)
        self.cache.check(busy)


def _shares(wanted: list[int], room: int) -> list[int]:
    """*room* shared out: nobody has more than is wanted, or less than one who wants no more."""
    shares = [0] * len(wanted)
    by_size = sorted(range(len(wanted)), key=wanted.__getitem__)
    for n_before, at in enumerate(by_size):
        shares[at] = min(wanted[at], room // (len(wanted) - n_before))
        room -= shares[at]
    return shares


def _in_common(sequence: Sequence, other: Sequence) -> int:
    """How many tokens of its prompt *other* has evaluated, or will, that *sequence* can share."""
    return min(common(sequence.tokens, other.tokens[: other.n_prompt]), len(sequence.tokens) - 1)


def _to_next_cut(sequence: Sequence) -> int:
    """How many tokens there are to the next place that has to be kept as it is."""
    cuts = (sequence.n_prefix, sequence.n_turn, len(sequence.tokens))
    ahead = (cut - sequence.n_evaluated for cut in cuts if cut is not None)
    return min(n for n in ahead if n > 0)
