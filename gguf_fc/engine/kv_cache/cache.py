"""The KV cache with prefix reuse: what a new sequence finds evaluated, and what stays for others.

Theory of operation.
1. A finished sequence's tokens stay in its slot until the slot or its cells are needed.
2. A new sequence takes up the longest prefix of its own that any slot holds: in place where that
   slot is free and would lose next to nothing, else by sharing the prefix's cells in another slot.
3. The prefix that conversations share, system text and tools, is *pinned*: kept in a slot of its
   own, so that it outlives each of them.
4. Slots are evicted by priority, then least recently used first: prompts that nobody came back to
   before conversations that went on, and those before pinned prefixes (``evict``).
5. What a slot held is saved before it is evicted, and in quiet moments (``save_slots``,
   ``autosave``).  Where a saved state holds clearly more of a prompt than any slot, it is restored
   (``restore``).
6. Attention on a processor looks at every cell in use, whosever it is.  There idle conversations
   wait as saved states, all but the latest and what is short: to load one takes no longer than a
   few dozen tokens take beside it.
7. The cache never evaluates anything; at least one token is always left to evaluate, because only
   that yields logits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.evict import Evictor
from gguf_fc.engine.kv_cache.restore import Restorer
from gguf_fc.engine.kv_cache.retokenize import retokenized
from gguf_fc.engine.kv_cache.save_slots import SlotSaver
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.kv_cache.slots import LEAST_LOSS, LEAST_PREFIX, Lease, Memory, Slots
from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import CacheDecision

logger = logging.getLogger(__name__)

MOST_PREFIXES = 4  # pinned, or they would crowd out the conversations
SHOWN = 40  # characters on either side of where a prompt diverges from what is cached


@dataclass(slots=True, eq=False)
class KvCache:
    """The slots of one model and its saved states, as sequences use them."""

    memory: Memory
    states: SavedStates
    can_trim: bool = field(init=False)  # a slot can be cut to a part of what it holds
    slots: Slots = field(init=False)
    _saver: SlotSaver = field(init=False)
    _evictor: Evictor = field(init=False)
    _restorer: Restorer = field(init=False)

    def __post_init__(self) -> None:
        self.can_trim = self.memory.can_trim
        self.slots = Slots(self.memory)
        self._saver = SlotSaver(self.slots, self.states)
        self._evictor = Evictor(self.slots, self._saver, self.memory.idle_costs)
        self._restorer = Restorer(self.slots, self.states, self._evictor)

    def retokenize(self, tokens: list[int]) -> list[int]:
        """*tokens*, rewritten as those of a cached sequence where that spells the same text."""
        best, most = tokens, 0
        cached = (*(slot.tokens for slot in self.slots), *self.states.sequences())
        for other in cached:
            candidate, n_cached = retokenized(tokens, other, self.memory.vocabulary)
            if n_cached > most:
                best, most = candidate, n_cached
        return best

    def acquire(self, tokens: Sequence[int]) -> Lease:
        """A slot for *tokens* with the longest prefix of them that is cached.

        The caller sees to it that a slot is free.
        """
        source, length = self.slots.longest_prefix(tokens)
        _log_divergence(tokens, source.tokens, length, self.memory.vocabulary)
        chain, n_stored = self._restorer.hit(tokens, length)
        if n_stored:
            return self._restorer.restore(chain, n_stored, source, length)
        slot = self.slots.target(source, length)
        self.slots.occupy(slot)
        if slot is not source or not length:
            self._evictor.empty(slot)
            return self.slots.share(source, slot, tokens, length)
        if len(slot.tokens) - length > LEAST_LOSS:
            self._saver.save_if_new(slot)
        return self.slots.go_on(slot, length)

    def upgrade(self, slot: int, tokens: Sequence[int], length: int) -> Lease:
        """A better lease of *slot*, where other slots hold a longer prefix of *tokens* by now.

        *length* tokens of *slot* are cached so far, none of them evaluated by its sequence.
        """
        target = self.slots[slot]
        source, longest = self.slots.longest_prefix(tokens)
        if longest <= length or source is target:
            return Lease(slot, length)
        self.slots.trim(target, 0)
        return self.slots.share(source, target, tokens, longest)

    def preview(self, tokens: Sequence[int]) -> tuple[int, CacheDecision]:
        """Length of the prefix that ``acquire`` would find now, and what it would do with it."""
        if not self.slots.free:
            return 0, "wait"
        source, length = self.slots.longest_prefix(tokens)
        _, n_stored = self._restorer.hit(tokens, length)
        if n_stored:
            return n_stored, "load"
        if not length:
            return 0, "nothing"
        return length, "go on" if self.slots.target(source, length) is source else "share"

    def pin(self, slot: int, length: int) -> None:
        """Keep the first *length* tokens of *slot* in a slot of their own, as a shared prefix."""
        source = self.slots[slot]
        tokens = source.tokens[:length]
        pinned = self.slots.pinned
        for other in pinned:
            n = len(other.tokens)
            if abs(n - length) < LEAST_PREFIX and common(other.tokens, tokens) == min(n, length):
                self.slots.touch(other)
                return
        free = pinned
        if len(pinned) < MOST_PREFIXES:
            free = [other for other in self.slots.free if other is not source]
        is_whole = length == len(source.tokens)
        if length < LEAST_PREFIX or not free or not (is_whole or self.can_trim):
            return
        target = min(free, key=lambda other: other.eviction_order)
        self._evictor.empty(target)
        self.slots.pin(source, target, length)

    def append(self, slot: int, tokens: Sequence[int]) -> None:
        """Note that *tokens* were evaluated in *slot*, after what it held."""
        self.slots[slot].tokens.extend(tokens)

    def drop_padding(self, slot: int, length: int) -> None:
        """Drop the cells of *slot* after *length* tokens: padding, which the books do not have."""
        self.memory.trim(slot, length)

    def settle(self, slot: int, tokens: Sequence[int], sure: int) -> int:
        """Drop from *slot* what is not a prefix of *tokens*, as its first *sure* tokens are.

        Returns how many of *tokens* it holds then.
        """
        held = self.slots[slot]
        length = sure + common(held.tokens[sure:], tokens[sure:])
        if length < len(held.tokens):
            self.slots.trim(held, length if self.can_trim else 0)
        return len(held.tokens)

    def release(self, slot: int) -> None:
        """Free *slot*; what it holds may be reused."""
        self.slots.release(self.slots[slot])

    def discard(self, slot: int) -> None:
        """Empty *slot* without saving: what it holds is unknown or unwanted."""
        self.slots.empty(self.slots[slot])

    def preempt(self, slot: int) -> None:
        """Save and empty *slot*: its sequence will come back, others need the cells now."""
        self._evictor.empty(self.slots[slot])

    def evict(self) -> bool:
        """Empty the idle slot of least priority; False if there is none."""
        return self._evictor.evict()

    def evict_saved(self) -> None:
        """Empty idle slots that are saved, where they make steps longer."""
        self._evictor.evict_saved()

    def checkpoint(self, slot: int) -> None:
        """Save what *slot* holds now: it cannot be cut back to this later."""
        self._saver.save(self.slots[slot])

    def save_next(self) -> bool:
        """Save the most valuable unsaved slot that is free; False if there is none."""
        return self._saver.save_next()

    def check(self, busy: Mapping[int, Sequence[int]]) -> None:
        """Assert that the books agree with *busy*: the tokens evaluated in each slot in use."""
        assert {slot.index for slot in self.slots if slot.busy} == set(busy)
        assert all(self.slots[slot].tokens == list(tokens) for slot, tokens in busy.items())
        assert len(self.slots.pinned) <= MOST_PREFIXES


def _log_divergence(
    tokens: Sequence[int], cached: Sequence[int], length: int, vocabulary: Vocabulary
) -> None:
    """Log, for debugging, where *tokens* diverge from what is *cached*."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    kept, asked = (_around(text, length, vocabulary.pieces) for text in (cached, tokens))
    logger.debug("cache tokens=%d found=%d kept=%r asked=%r", len(tokens), length, kept, asked)


def _around(tokens: Sequence[int], at: int, pieces: Sequence[bytes]) -> str:
    before = b"".join(pieces[token] for token in tokens[max(0, at - SHOWN) : at])
    after = b"".join(pieces[token] for token in tokens[at : at + SHOWN])
    left, right = (part.decode(errors="replace") for part in (before, after))
    return f"{left[-SHOWN:]}\N{BROKEN BAR}{right[:SHOWN]}"
