"""Restoring saved states: a slot gets what they hold of a prompt's beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gguf_fc.engine.kv_cache.evict import Evictor
from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.engine.kv_cache.saved_states import SavedState, SavedStates
from gguf_fc.engine.kv_cache.slots import LEAST_PREFIX, Lease, Slot, Slots


@dataclass(frozen=True, slots=True)
class Restorer:
    """Loads *states* into *slots*; evicts idle slots for their cells."""

    slots: Slots
    states: SavedStates
    evictor: Evictor

    def hit(self, tokens: Sequence[int], length: int) -> tuple[list[SavedState], int]:
        """The chain of states to restore for *tokens*, and how many tokens it is good for.

        No chain and 0 unless it holds clearly more than the *length* tokens some slot has.
        """
        chain, n_stored = self.states.longest(tokens[:-1])
        return (chain, n_stored) if n_stored >= length + LEAST_PREFIX else ([], 0)

    def restore(self, chain: list[SavedState], n_stored: int, source: Slot, length: int) -> Lease:
        """A slot with *n_stored* tokens of *chain*, the first *length* of them from *source*."""
        slots = self.slots
        slot = min(slots.free, key=lambda slot: (slot is source, slot.eviction_order))
        slots.occupy(slot)
        if slot is source or not slots.can_trim:
            length = 0
        # Read before room is made: saving for that may drive the chain out of RAM.
        parts = [(state, self.states.data(state)) for state in chain if len(state.tokens) > length]
        self.evictor.empty(slot)
        lease = slots.share(source, slot, chain[-1].tokens[:n_stored], length)
        for state, data in parts:
            if len(state.tokens) > len(slot.tokens) and not self._load(slot, state, data, n_stored):
                self.states.drop(state)
                break
        self._note_use(chain, slot)
        return replace(lease, length=len(slot.tokens))

    def _load(
        self, slot: Slot, state: SavedState, data: bytes | memoryview | None, n_stored: int
    ) -> bool:
        """Put what *state* has of the first *n_stored* tokens behind what *slot* holds.

        Evicts idle slots until there is room; False if there is none, or no *data*.
        """
        if data is None:
            return False
        tokens = state.tokens[len(slot.tokens) : n_stored]
        while not self.slots.load(slot, data, tokens):
            if not self.evictor.evict():
                return False
        return True

    def _note_use(self, chain: list[SavedState], slot: Slot) -> None:
        whole = len(slot.tokens) == len(chain[-1].tokens)
        slot.priority = Priority.CONVERSATION if whole else Priority.ONE_OFF
        self.states.use(chain, slot.priority)
        slot.n_saved = self.states.covered(slot.tokens)
