"""What each slot holds, and how a new sequence makes use of it.

Theory of operation.
1. A finished sequence's tokens stay in its slot until the slot or its cells are needed.
2. A new sequence takes up the longest prefix of its own that any slot holds: in place where that
   slot is free and would lose next to nothing, else by sharing the prefix's cells in another slot.
3. What conversations have in common, system text and tools, is *pinned*: kept in a slot of its own,
   so that it outlives each of them.
4. Free slots are given up in order of worth, then of last use: prompts that nobody came back to
   before conversations that went on, and those before pinned beginnings.
5. What a slot held is saved before it is given up, and in quiet moments.  Where a saved state holds
   clearly more of a prompt than any slot, it is loaded.
6. Attention on a processor looks at every cell in use, whosever it is.  There the conversations of
   before wait outside, as saved states, all but the latest and what is short: to load one takes
   no longer than a few dozen tokens take beside it.
7. The cache never evaluates anything; at least one token is always left to evaluate, because only
   that yields logits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.engine.kv_cache.retokenize import retokenized
from gguf_fc.engine.kv_cache.saved_states import SavedState, SavedStates
from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import CacheDecision

logger = logging.getLogger(__name__)

LEAST_LOSS = 32  # tokens; a slot that would lose no more than this is gone on with in place
LEAST_SAVED = 32  # tokens; fewer new ones are as quickly evaluated again
MOST_IDLE = 1024  # tokens that may stay idle where they make steps longer
LEAST_PREFIX = 64  # tokens; a shorter common beginning is as quickly evaluated again
MOST_PREFIXES = 4  # pinned beginnings, or they would crowd out the conversations
SHOWN = 40  # characters on either side of where a prompt parts from what is kept


class Memory(Protocol):
    """The part of a model that the cache moves about."""

    @property
    def vocabulary(self) -> Vocabulary: ...
    @property
    def n_slots(self) -> int: ...
    @property
    def can_trim(self) -> bool: ...
    @property
    def idle_costs(self) -> bool: ...
    def trim(self, slot: int, length: int) -> None: ...
    def copy(self, source: int, target: int, length: int) -> None: ...
    def shortest_prefix(self, slot: int) -> int: ...
    def save(self, slot: int, start: int, end: int) -> bytes | memoryview: ...
    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot of one's own whose first *length* tokens are already evaluated."""

    slot: int
    length: int
    shared: bool = False  # with a slot that is in use
    parted: bool = False  # another sequence goes on differently after these tokens


@dataclass(slots=True, eq=False)
class _Slot:
    index: int
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    used: int = 0  # a count that grows with every use
    priority: Priority = Priority.ONE_OFF
    n_saved: int = 0  # of its tokens

    @property
    def is_new(self) -> bool:
        """Whether it holds something worth saving."""
        return len(self.tokens) - self.n_saved >= LEAST_SAVED

    @property
    def rank(self) -> tuple[bool, Priority, int]:
        """Free slots are given up in this order."""
        return bool(self.tokens), self.priority, self.used


@dataclass(slots=True, eq=False)
class KvCache:
    """The slots of one model."""

    memory: Memory
    states: SavedStates
    _slots: list[_Slot] = field(init=False)
    _clock: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._slots = [_Slot(index) for index in range(self.memory.n_slots)]
        for slot in self._slots:
            self.memory.trim(slot.index, 0)  # whatever was tried there before

    def retokenize(self, tokens: list[int]) -> list[int]:
        """*tokens*, but where something kept spells the same in other tokens, in those."""
        best, most = tokens, 0
        kept = (*(slot.tokens for slot in self._slots), *self.states.sequences())
        for other in kept:
            candidate, n_kept = retokenized(tokens, other, self.memory.vocabulary)
            if n_kept > most:
                best, most = candidate, n_kept
        return best

    def acquire(self, tokens: Sequence[int]) -> Lease:
        """A slot for *tokens*, holding as long a prefix of them as any slot does.

        The caller sees to it that a slot is free.
        """
        source, length = self._longest_prefix(tokens)
        self._explain(source, length, tokens)
        chain, n_stored = self.states.longest(tokens[:-1])
        if n_stored >= length + LEAST_PREFIX:
            return self._load(chain, n_stored, source, length)
        slot = self._target(source, length)
        slot.busy = True
        self._touch(slot)
        if slot is not source or not length:
            self._give_up(slot)
            return self._share(source, slot, tokens, length)
        if len(slot.tokens) - length > LEAST_LOSS:
            self._keep(slot)
        slot.priority = Priority.CONVERSATION
        self._trim(slot, length)
        return Lease(slot.index, length)

    def improve(self, slot: int, tokens: Sequence[int], length: int) -> Lease:
        """The lease of *slot* anew, where others have evaluated more of *tokens* since.

        *length* tokens of it are evaluated by now, none of them by its holder.
        """
        target = self._slots[slot]
        source, longest = self._longest_prefix(tokens)
        if longest <= length or source is target:
            return Lease(slot, length)
        self._trim(target, 0)
        return self._share(source, target, tokens, longest)

    def pin(self, slot: int, length: int) -> None:
        """Keep the first *length* tokens of *slot*, for whoever begins with them."""
        tokens = self._slots[slot].tokens[:length]
        pinned = [other for other in self._slots if other.priority is Priority.PREFIX]
        for other in pinned:
            n = len(other.tokens)
            if abs(n - length) < LEAST_PREFIX and common(other.tokens, tokens) == min(n, length):
                self._touch(other)
                return
        free = pinned
        if len(pinned) < MOST_PREFIXES:
            free = [other for other in self._slots if not other.busy and other.index != slot]
        is_whole = length == len(self._slots[slot].tokens)
        if length < LEAST_PREFIX or not free or not (is_whole or self.memory.can_trim):
            return
        target = min(free, key=lambda other: other.rank)
        self._give_up(target)
        self.memory.copy(slot, target.index, length)
        target.tokens, target.priority = tokens, Priority.PREFIX
        self._touch(target)

    def preview(self, tokens: Sequence[int]) -> tuple[int, CacheDecision]:
        """How long a prefix ``acquire`` would find now, and what it would do with it."""
        if all(slot.busy for slot in self._slots):
            return 0, "wait"
        source, length = self._longest_prefix(tokens)
        _, n_stored = self.states.longest(tokens[:-1])
        if n_stored >= length + LEAST_PREFIX:
            return n_stored, "load"
        if not length:
            return 0, "nothing"
        return length, "go on" if self._target(source, length) is source else "share"

    def extend(self, slot: int, tokens: Sequence[int]) -> None:
        """*tokens* were evaluated in *slot*, after what it held."""
        self._slots[slot].tokens.extend(tokens)

    def keep(self, slot: int, tokens: Sequence[int], sure: int) -> int:
        """Drop from *slot* what does not begin *tokens*, as its first *sure* tokens do.

        Returns how many of *tokens* it holds then.
        """
        held = self._slots[slot]
        length = sure + common(held.tokens[sure:], tokens[sure:])
        if length < len(held.tokens):
            self._trim(held, length if self.memory.can_trim else 0)
        return len(held.tokens)

    def release(self, slot: int) -> None:
        """Nobody runs in *slot* any more; what it holds may be of use."""
        self._slots[slot].busy = False
        self._touch(self._slots[slot])

    def forget(self, slot: int) -> None:
        """What *slot* holds is unknown or unwanted."""
        self._empty(self._slots[slot])

    def set_aside(self, slot: int) -> None:
        """Whoever runs in *slot* will come back to it, but others need its cells now."""
        self._give_up(self._slots[slot])

    def evict(self) -> bool:
        """Give up the free slot that is worth least; whether there was one."""
        idle = [slot for slot in self._slots if slot.tokens and not slot.busy]
        if not idle:
            return False
        self._give_up(min(idle, key=lambda slot: slot.rank))
        return True

    def clear(self) -> None:
        """Give up what is idle and saved where it makes steps longer; the latest may stay."""
        if not self.memory.idle_costs:
            return
        idle = [slot for slot in self._slots if slot.tokens and not slot.busy]
        idle = sorted((s for s in idle if s.priority is not Priority.PREFIX), key=lambda s: s.used)
        excess = sum(len(slot.tokens) for slot in idle) - MOST_IDLE
        for slot in idle[:-1]:
            if excess <= 0:
                return
            if (
                not slot.is_new
                and len(slot.tokens) - self.states.covered(slot.tokens) < LEAST_SAVED
            ):
                excess -= len(slot.tokens)
                self._empty(slot)

    def save(self, slot: int) -> None:
        """Save what *slot* holds now: it cannot be cut back to this later."""
        if not self.states.is_off:
            self._save(self._slots[slot])

    def save_next(self) -> bool:
        """Save the most valuable of what is in free slots only; whether there was anything."""
        new = [slot for slot in self._slots if slot.is_new and not slot.busy]
        if not new or self.states.is_off:
            return False
        self._save(max(new, key=lambda slot: slot.rank))
        return True

    def check(self, busy: Mapping[int, Sequence[int]]) -> None:
        """Assert that the books agree with *busy*: the tokens evaluated in each slot in use."""
        assert {slot.index for slot in self._slots if slot.busy} == set(busy)
        assert all(self._slots[slot].tokens == list(tokens) for slot, tokens in busy.items())
        assert sum(slot.priority is Priority.PREFIX for slot in self._slots) <= MOST_PREFIXES

    def _longest_prefix(self, tokens: Sequence[int]) -> tuple[_Slot, int]:
        most = max(0, len(tokens) - 1)
        lengths = {slot.index: min(common(slot.tokens, tokens), most) for slot in self._slots}
        for slot in self._slots:
            at = lengths[slot.index]
            if at < len(slot.tokens) and at < self.memory.shortest_prefix(slot.index):
                lengths[slot.index] = 0
        source = max(self._slots, key=lambda slot: (lengths[slot.index], not slot.busy, -slot.used))
        return source, lengths[source.index]

    def _target(self, source: _Slot, length: int) -> _Slot:
        """The slot to run in: *source* itself unless others have more use for it."""
        loss = len(source.tokens) - length
        keeps = loss <= LEAST_LOSS < length or not loss or not self.memory.can_trim
        if not source.busy and source.priority is not Priority.PREFIX and keeps:
            return source
        free = [slot for slot in self._slots if not slot.busy]
        return min(free, key=lambda slot: (length > 0 and slot is source, slot.rank))

    def _share(self, source: _Slot, target: _Slot, tokens: Sequence[int], length: int) -> Lease:
        """Let the empty *target* share *length* tokens of *source*."""
        if not length:
            return Lease(target.index, 0)
        self.memory.copy(source.index, target.index, length)
        target.tokens = source.tokens[:length]
        target.n_saved = min(source.n_saved, length)
        if length >= LEAST_PREFIX:  # not where both begin with the same mark
            self._touch(source)
        parted = source.tokens[length : length + 1] not in ([], [tokens[length]])
        return Lease(target.index, length, shared=source.busy, parted=parted)

    def _load(self, chain: list[SavedState], n_stored: int, source: _Slot, length: int) -> Lease:
        """A slot with *n_stored* tokens of *chain*, the first *length* of them from *source*."""
        free = [slot for slot in self._slots if not slot.busy]
        slot = min(free, key=lambda slot: (slot is source, slot.rank))
        slot.busy = True
        self._touch(slot)
        if slot is source or not self.memory.can_trim:
            length = 0
        # Taken before room is made: what is saved for that may drive the chain out of RAM.
        parts = [(state, self.states.data(state)) for state in chain if len(state.tokens) > length]
        self._give_up(slot)
        tokens = chain[-1].tokens[:n_stored]
        lease = self._share(source, slot, tokens, length)
        for state, data in parts:
            if len(state.tokens) > len(slot.tokens) and not self._add(slot, state, data, n_stored):
                self.states.drop(state)
                break
        whole = len(slot.tokens) == len(chain[-1].tokens)
        worth = Priority.CONVERSATION if whole else Priority.ONE_OFF
        self.states.use(chain, worth)
        slot.priority, slot.n_saved = worth, self.states.covered(slot.tokens)
        return replace(lease, length=len(slot.tokens))

    def _add(
        self, slot: _Slot, state: SavedState, data: bytes | memoryview | None, n_stored: int
    ) -> bool:
        """Put what *state* has of the first *n_stored* tokens behind what *slot* holds."""
        start, end = len(slot.tokens), min(n_stored, len(state.tokens))
        while data is not None and not self.memory.load(slot.index, data, start, end):
            if not self.evict():
                data = None
        if data is not None:
            slot.tokens += state.tokens[start:end]
        return data is not None

    def _save(self, slot: _Slot) -> None:
        start = self.states.covered(slot.tokens) if self.memory.can_trim else 0
        if len(slot.tokens) - start >= LEAST_SAVED:
            data = self.memory.save(slot.index, start, len(slot.tokens))
            self.states.add(slot.tokens, start, data, slot.priority)
        slot.n_saved = len(slot.tokens)

    def _give_up(self, slot: _Slot) -> None:
        """Empty *slot*; what it holds can be had from the saved states."""
        self._keep(slot)
        self._empty(slot)

    def _keep(self, slot: _Slot) -> None:
        """See to it that what *slot* holds is saved."""
        if slot.is_new and not self.states.is_off:
            self._save(slot)

    def _trim(self, slot: _Slot, length: int) -> None:
        if length < len(slot.tokens):
            self.memory.trim(slot.index, length)
            del slot.tokens[length:]
            slot.n_saved = min(slot.n_saved, length)

    def _empty(self, slot: _Slot) -> None:
        self.memory.trim(slot.index, 0)
        slot.tokens, slot.priority, slot.n_saved = [], Priority.ONE_OFF, 0

    def _touch(self, slot: _Slot) -> None:
        self._clock += 1
        slot.used = self._clock

    def _explain(self, source: _Slot, length: int, tokens: Sequence[int]) -> None:
        """Say at the level of details where *tokens* part from what is kept."""
        if not logger.isEnabledFor(logging.DEBUG):
            return
        kept, asked = self._around(source.tokens, length), self._around(tokens, length)
        logger.debug("cache tokens=%d found=%d kept=%r asked=%r", len(tokens), length, kept, asked)

    def _around(self, tokens: Sequence[int], at: int) -> str:
        pieces = self.memory.vocabulary.pieces
        before = b"".join(pieces[token] for token in tokens[max(0, at - SHOWN) : at])
        after = b"".join(pieces[token] for token in tokens[at : at + SHOWN])
        left, right = (part.decode(errors="replace") for part in (before, after))
        return f"{left[-SHOWN:]}\N{BROKEN BAR}{right[:SHOWN]}"
