"""What each slot holds, and how a new sequence makes use of it.

A finished sequence's tokens stay in its slot until the slot or its cells are needed.  A new one
starts from the slot with which it shares the longest prefix: in place if that slot is free and
loses little, else by sharing the prefix's cells.  Free slots are given up in order of last use.
The cache never evaluates anything; at least one token is always left to evaluate, because only
that yields logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gguf_fc.job import CacheDecision

KEPT_SHARE = 0.5  # a free slot is reused in place if this share of its tokens stays useful


class Memory(Protocol):
    """The part of a model that the cache moves about."""

    @property
    def n_slots(self) -> int: ...
    @property
    def can_trim(self) -> bool: ...
    def trim(self, slot: int, length: int) -> None: ...
    def copy(self, source: int, target: int, length: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot of one's own whose first *length* tokens are already evaluated."""

    slot: int
    length: int
    shared: bool  # with a slot that is in use


@dataclass(slots=True, eq=False)
class _Slot:
    index: int
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    used: int = 0  # a count that grows with every use


@dataclass(slots=True, eq=False)
class Cache:
    """The slots of one model."""

    memory: Memory
    _slots: list[_Slot] = field(init=False)
    _clock: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._slots = [_Slot(index) for index in range(self.memory.n_slots)]
        for slot in self._slots:
            self.memory.trim(slot.index, 0)  # whatever was tried there before

    def acquire(self, tokens: Sequence[int]) -> Lease:
        """A slot for *tokens*, holding as long a prefix of them as any slot does.

        The caller sees to it that a slot is free.
        """
        source, length = self._longest_prefix(tokens)
        slot = self._target(source, length)
        if slot is source:
            self._trim(slot, length)
        else:
            self._trim(slot, 0)
            if length:
                self.memory.copy(source.index, slot.index, length)
                slot.tokens = source.tokens[:length]
        slot.busy = True
        self._touch(slot)
        return Lease(slot.index, length, shared=slot is not source and source.busy)

    def preview(self, tokens: Sequence[int]) -> tuple[int, CacheDecision]:
        """How long a prefix ``acquire`` would find now, and what it would do with it."""
        if all(slot.busy for slot in self._slots):
            return 0, "wait"
        source, length = self._longest_prefix(tokens)
        if not length:
            return 0, "nothing"
        return length, "go on" if self._target(source, length) is source else "share"

    def extend(self, slot: int, tokens: Sequence[int]) -> None:
        """*tokens* were evaluated in *slot*, after what it held."""
        self._slots[slot].tokens.extend(tokens)

    def release(self, slot: int) -> None:
        """Nobody runs in *slot* any more; what it holds may be of use."""
        self._slots[slot].busy = False
        self._touch(self._slots[slot])

    def forget(self, slot: int) -> None:
        """What *slot* holds is unknown or unwanted."""
        self.memory.trim(slot, 0)
        self._slots[slot].tokens.clear()

    def evict(self) -> bool:
        """Give up what the free slot that was used longest ago holds; whether there was one."""
        idle = [slot for slot in self._slots if slot.tokens and not slot.busy]
        if not idle:
            return False
        self.forget(min(idle, key=lambda slot: slot.used).index)
        return True

    def longest_busy_prefix(self, tokens: Sequence[int]) -> int:
        """How many cells *tokens* could share with sequences that run."""
        if not self.memory.can_trim:
            return 0
        return max((common(slot.tokens, tokens) for slot in self._slots if slot.busy), default=0)

    def check(self, busy: Mapping[int, Sequence[int]]) -> None:
        """Assert that the books agree with *busy*: the tokens evaluated in each slot in use."""
        assert {slot.index for slot in self._slots if slot.busy} == set(busy)
        assert all(self._slots[slot].tokens == list(tokens) for slot, tokens in busy.items())

    def _longest_prefix(self, tokens: Sequence[int]) -> tuple[_Slot, int]:
        most = max(0, len(tokens) - 1)
        lengths = {slot.index: min(common(slot.tokens, tokens), most) for slot in self._slots}
        if not self.memory.can_trim:  # only a slot that is a prefix as a whole can be used at all
            for slot in self._slots:
                if slot.busy or lengths[slot.index] != len(slot.tokens):
                    lengths[slot.index] = 0
        source = max(self._slots, key=lambda slot: (lengths[slot.index], not slot.busy, -slot.used))
        return source, lengths[source.index]

    def _target(self, source: _Slot, length: int) -> _Slot:
        """The slot to run in: *source* itself unless others have more use for it."""
        keeps = length >= KEPT_SHARE * len(source.tokens) or not self.memory.can_trim
        if not source.busy and keeps:
            return source
        free = [slot for slot in self._slots if not slot.busy]
        return min(
            free, key=lambda slot: (bool(slot.tokens), length > 0 and slot is source, slot.used)
        )

    def _trim(self, slot: _Slot, length: int) -> None:
        if length < len(slot.tokens):
            self.memory.trim(slot.index, length)
            del slot.tokens[length:]

    def _touch(self, slot: _Slot) -> None:
        self._clock += 1
        slot.used = self._clock


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """The length of the longest common prefix."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # comparing slices is many times faster than comparing token by token
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
