"""Eviction: which slots are emptied, in which order, when cells or slots are needed.

Empty slots go first, then by priority, then the least recently used (``Slot.eviction_order``).
What an evicted slot held is saved before.
"""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.engine.kv_cache.save_slots import SlotSaver
from gguf_fc.engine.kv_cache.slots import Slot, Slots

MOST_IDLE = 1024  # tokens that may stay in idle slots where these make steps longer


@dataclass(frozen=True, slots=True)
class Evictor:
    """Empties *slots*."""

    slots: Slots
    saver: SlotSaver
    idle_costs: bool  # cells of idle slots make every step longer

    def empty(self, slot: Slot) -> None:
        """Save what is new in *slot*, then empty it."""
        self.saver.save_if_new(slot)
        self.slots.empty(slot)

    def evict(self) -> bool:
        """Empty the idle slot that is first in the order; False if no slot is idle."""
        idle = self.slots.idle
        if not idle:
            return False
        self.empty(min(idle, key=lambda slot: slot.eviction_order))
        return True

    def evict_saved(self) -> None:
        """Empty idle conversations that are saved, where their cells make every step longer.

        Attention on a processor looks at every cell in use, whosever it is.  The latest
        conversation stays, and as many tokens as make no difference.
        """
        if not self.idle_costs:
            return
        idle = [slot for slot in self.slots.idle if slot.priority is not Priority.PREFIX]
        idle.sort(key=lambda slot: slot.used)
        excess = sum(len(slot.tokens) for slot in idle) - MOST_IDLE
        for slot in idle[:-1]:
            if excess <= 0:
                return
            if self.saver.is_saved(slot):
                excess -= len(slot.tokens)
                self.slots.empty(slot)
