"""What each slot holds, and how a new sequence makes use of it.

Theory of operation.
1. A finished sequence's tokens stay in its slot until the slot or its cells are needed.
2. A new sequence takes up the longest prefix of its own that any slot holds: in place where that
   slot is free and would lose next to nothing, else by sharing the prefix's cells in another slot.
3. What conversations have in common, system text and tools, is *pinned*: kept in a slot of its own,
   so that it outlives each of them.
4. Free slots are given up in order of worth, then of last use: prompts that nobody came back to
   before conversations that went on, and those before pinned beginnings.
5. The cache never evaluates anything; at least one token is always left to evaluate, because only
   that yields logits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import CacheDecision

logger = logging.getLogger(__name__)

LEAST_LOSS = 32  # tokens; a slot that would lose no more than this is gone on with in place
LEAST_PREFIX = 64  # tokens; a shorter common beginning is as quickly evaluated again
MOST_PREFIXES = 4  # pinned beginnings, or they would crowd out the conversations
SHOWN = 40  # characters on either side of where a prompt parts from what is kept


class Worth(IntEnum):
    """What is given up first: the lowest."""

    ONE_OFF = 0  # nobody has come back to it
    CONVERSATION = 1  # it went on at least once
    PREFIX = 2  # several begin with it


class Memory(Protocol):
    """The part of a model that the cache moves about."""

    @property
    def vocabulary(self) -> Vocabulary: ...
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
    shared: bool = False  # with a slot that is in use
    parted: bool = False  # another sequence goes on differently after these tokens


@dataclass(slots=True, eq=False)
class _Slot:
    index: int
    tokens: list[int] = field(default_factory=list)
    busy: bool = False
    used: int = 0  # a count that grows with every use
    worth: Worth = Worth.ONE_OFF

    @property
    def rank(self) -> tuple[bool, Worth, int]:
        """Free slots are given up in this order."""
        return bool(self.tokens), self.worth, self.used


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
        self._explain(source, length, tokens)
        if slot is source:
            slot.worth = Worth.CONVERSATION if length else Worth.ONE_OFF
            self._trim(slot, length)
            lease = Lease(slot.index, length)
        else:
            self._empty(slot)
            lease = self._share(source, slot, tokens, length)
        slot.busy = True
        self._touch(slot)
        return lease

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
        pinned = [other for other in self._slots if other.worth is Worth.PREFIX]
        for other in pinned:
            n = len(other.tokens)
            if abs(n - length) < LEAST_PREFIX and common(other.tokens, tokens) == min(n, length):
                self._touch(other)
                return
        free = pinned
        if len(pinned) < MOST_PREFIXES:
            free = [other for other in self._slots if not other.busy and other.index != slot]
        if length < LEAST_PREFIX or not free or not self.memory.can_trim:
            return
        target = min(free, key=lambda other: other.rank)
        self._empty(target)
        self.memory.copy(slot, target.index, length)
        target.tokens, target.worth = tokens, Worth.PREFIX
        self._touch(target)

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

    def evict(self) -> bool:
        """Give up the free slot that is worth least; whether there was one."""
        idle = [slot for slot in self._slots if slot.tokens and not slot.busy]
        if not idle:
            return False
        self._empty(min(idle, key=lambda slot: slot.rank))
        return True

    def check(self, busy: Mapping[int, Sequence[int]]) -> None:
        """Assert that the books agree with *busy*: the tokens evaluated in each slot in use."""
        assert {slot.index for slot in self._slots if slot.busy} == set(busy)
        assert all(self._slots[slot].tokens == list(tokens) for slot, tokens in busy.items())
        assert sum(slot.worth is Worth.PREFIX for slot in self._slots) <= MOST_PREFIXES

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
        loss = len(source.tokens) - length
        keeps = loss <= LEAST_LOSS < length or not loss or not self.memory.can_trim
        if not source.busy and source.worth is not Worth.PREFIX and keeps:
            return source
        free = [slot for slot in self._slots if not slot.busy]
        return min(free, key=lambda slot: (length > 0 and slot is source, slot.rank))

    def _share(self, source: _Slot, target: _Slot, tokens: Sequence[int], length: int) -> Lease:
        """Let the empty *target* share *length* tokens of *source*."""
        if not length:
            return Lease(target.index, 0)
        self.memory.copy(source.index, target.index, length)
        target.tokens = source.tokens[:length]
        self._touch(source)
        parted = source.tokens[length : length + 1] not in ([], [tokens[length]])
        return Lease(target.index, length, shared=source.busy, parted=parted)

    def _trim(self, slot: _Slot, length: int) -> None:
        if length < len(slot.tokens):
            self.memory.trim(slot.index, length)
            del slot.tokens[length:]

    def _empty(self, slot: _Slot) -> None:
        self.memory.trim(slot.index, 0)
        slot.tokens, slot.worth = [], Worth.ONE_OFF

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
