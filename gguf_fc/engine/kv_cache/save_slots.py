"""Saving slots: the tokens that are new in a slot become a saved state."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.kv_cache.slots import LEAST_SAVED, Slot, Slots


@dataclass(frozen=True, slots=True)
class SlotSaver:
    """Saves *slots* as *states*.  Does nothing where nothing may be kept."""

    slots: Slots
    states: SavedStates

    def save(self, slot: Slot) -> None:
        """Save what *slot* holds beyond the states there are."""
        if self.states.is_off:
            return
        # A recurrent state is one for all tokens: it is saved as a whole.
        start = self.states.covered(slot.tokens) if self.slots.can_trim else 0
        if len(slot.tokens) - start >= LEAST_SAVED:
            self.states.add(slot.tokens, start, self.slots.state(slot, start), slot.priority)
        slot.n_saved = len(slot.tokens)

    def save_if_new(self, slot: Slot) -> None:
        """Save *slot* if enough of it is new."""
        if slot.is_unsaved:
            self.save(slot)

    def save_next(self) -> bool:
        """Save the free slot that would be evicted last; False if there is nothing to save."""
        new = [slot for slot in self.slots.free if slot.is_unsaved]
        if not new or self.states.is_off:
            return False
        self.save(max(new, key=lambda slot: slot.eviction_order))
        return True

    def is_saved(self, slot: Slot) -> bool:
        """True if next to nothing is lost by emptying *slot*."""
        if slot.is_unsaved:
            return False
        return len(slot.tokens) - self.states.covered(slot.tokens) < LEAST_SAVED
