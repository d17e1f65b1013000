"""Slots of the KV cache: the tokens that each holds, and prefixes that they share.

A slot is one of llama.cpp's sequence ids.  Its cells are shared, not copied, where another slot is
given the same prefix.  These are the books: whatever is done to a slot's memory is done here, so
that tokens and cells always agree.  Nothing is saved and nothing chosen for eviction here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.engine.model import Vocabulary

LEAST_PREFIX = 64  # tokens; a shorter common prefix is as quickly evaluated again
LEAST_LOSS = 32  # tokens; a slot that would lose no more than this is continued in place
LEAST_SAVED = 32  # tokens; fewer new ones are as quickly evaluated again


class Memory(Protocol):
    """The part of a model that the cache manages."""

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
    """A slot for one sequence, the first *length* tokens of which are already evaluated."""

    slot: int
    length: int
    shared: bool = False  # with a slot that is in use
    diverges: bool = False  # from another sequence, which goes on differently after these tokens


@dataclass(slots=True, eq=False)
class Slot:
    """Contents of one slot.  Nobody outside of the KV cache sees it."""

    index: int
    tokens: list[int] = field(default_factory=list)
    busy: bool = False  # a sequence runs in it
    used: int = 0  # logical time of its last use
    priority: Priority = Priority.ONE_OFF
    n_saved: int = 0  # of its tokens

    @property
    def is_unsaved(self) -> bool:
        """True if so many tokens are not saved yet that saving them pays."""
        return len(self.tokens) - self.n_saved >= LEAST_SAVED

    @property
    def eviction_order(self) -> tuple[bool, Priority, int]:
        """Sort key: empty slots first, then the lowest priority, then the least recently used."""
        return bool(self.tokens), self.priority, self.used


@dataclass(slots=True, eq=False)
class Slots:
    """All slots of one model's memory."""

    memory: Memory
    can_trim: bool = field(init=False)  # a slot can be cut to a part of what it holds
    _slots: list[Slot] = field(init=False)
    _time: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.can_trim = self.memory.can_trim
        self._slots = [Slot(index) for index in range(self.memory.n_slots)]
        for slot in self._slots:
            self.memory.trim(slot.index, 0)  # drops what self-test and measurements left

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def __getitem__(self, index: int) -> Slot:
        return self._slots[index]

    @property
    def free(self) -> list[Slot]:
        """Slots that no sequence runs in."""
        return [slot for slot in self._slots if not slot.busy]

    @property
    def idle(self) -> list[Slot]:
        """Free slots that hold tokens."""
        return [slot for slot in self._slots if slot.tokens and not slot.busy]

    @property
    def pinned(self) -> list[Slot]:
        """Slots that hold a shared prefix."""
        return [slot for slot in self._slots if slot.priority is Priority.PREFIX]

    def longest_prefix(self, tokens: Sequence[int]) -> tuple[Slot, int]:
        """The slot with the longest usable prefix of *tokens*, and its length.

        At most all tokens but one: only an evaluated token yields logits.  Of equal ones a free
        slot is taken before a busy one, and the least recently used first.
        """
        most = max(0, len(tokens) - 1)
        lengths = {slot.index: min(common(slot.tokens, tokens), most) for slot in self._slots}
        for slot in self._slots:
            at = lengths[slot.index]
            if at < len(slot.tokens) and at < self.memory.shortest_prefix(slot.index):
                lengths[slot.index] = 0  # the model cannot cut the slot back that far
        source = max(self._slots, key=lambda slot: (lengths[slot.index], not slot.busy, -slot.used))
        return source, lengths[source.index]

    def target(self, source: Slot, length: int) -> Slot:
        """The slot in which to continue a prefix of *length* tokens that *source* holds.

        *source* itself, unless it is in use, pinned, or would lose more than a few tokens.
        """
        loss = len(source.tokens) - length
        keeps = loss <= LEAST_LOSS < length or not loss or not self.can_trim
        if not source.busy and source.priority is not Priority.PREFIX and keeps:
            return source
        return min(self.free, key=lambda slot: (length > 0 and slot is source, slot.eviction_order))

    def occupy(self, slot: Slot) -> None:
        """Give *slot* to a sequence."""
        slot.busy = True
        self.touch(slot)

    def release(self, slot: Slot) -> None:
        """Take *slot* back from its sequence; what it holds stays."""
        slot.busy = False
        self.touch(slot)

    def touch(self, slot: Slot) -> None:
        """Note a use of *slot*."""
        self._time += 1
        slot.used = self._time

    def share(self, source: Slot, target: Slot, tokens: Sequence[int], length: int) -> Lease:
        """Let the empty *target* share the first *length* tokens of *source*; its lease.

        *tokens* are those of the sequence that will run in *target*.
        """
        if not length:
            return Lease(target.index, 0)
        self.memory.copy(source.index, target.index, length)
        target.tokens = source.tokens[:length]
        target.n_saved = min(source.n_saved, length)
        if length >= LEAST_PREFIX:  # where only the first marks agree, source was of little use
            self.touch(source)
        diverges = source.tokens[length : length + 1] not in ([], [tokens[length]])
        return Lease(target.index, length, shared=source.busy, diverges=diverges)

    def pin(self, source: Slot, target: Slot, length: int) -> None:
        """Let the empty *target* keep the first *length* tokens of *source* as a shared prefix."""
        self.memory.copy(source.index, target.index, length)
        target.tokens, target.priority = source.tokens[:length], Priority.PREFIX
        self.touch(target)

    def go_on(self, slot: Slot, length: int) -> Lease:
        """Continue *slot* in place after its first *length* tokens; its lease."""
        slot.priority = Priority.CONVERSATION
        self.trim(slot, length)
        return Lease(slot.index, length)

    def state(self, slot: Slot, start: int) -> bytes | memoryview:
        """State of what *slot* holds from position *start* on."""
        return self.memory.save(slot.index, start, len(slot.tokens))

    def load(self, slot: Slot, state: bytes | memoryview, tokens: Sequence[int]) -> bool:
        """Put *tokens* of a saved *state* behind what *slot* holds; False if there is no room."""
        start = len(slot.tokens)
        if not self.memory.load(slot.index, state, start, start + len(tokens)):
            return False
        slot.tokens += tokens
        return True

    def trim(self, slot: Slot, length: int) -> None:
        """Cut *slot* back to its first *length* tokens."""
        if length < len(slot.tokens):
            self.memory.trim(slot.index, length)
            del slot.tokens[length:]
            slot.n_saved = min(slot.n_saved, length)

    def empty(self, slot: Slot) -> None:
        """Drop all that *slot* holds, known or not."""
        self.memory.trim(slot.index, 0)
        slot.tokens, slot.priority, slot.n_saved = [], Priority.ONE_OFF, 0
