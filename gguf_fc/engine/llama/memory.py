"""Slots in the memory of a llama.cpp context: cut, shared, saved and loaded again.

The operations depend on the kind of model.
* Attention has cells of its own for every token: a slot can be cut anywhere (``seq_rm``), and any
  stretch of it shared (``seq_cp``) or saved.
* A sliding window forgets what it has left behind: a slot can be cut only where the window before
  the cut is still there.
* A recurrent state is one for all tokens so far: a slot is dropped, shared or saved as a whole.

llama.cpp saves and loads whole sequence ids only.  So a stretch is saved and loaded by way of one
more slot, *scratch*, which shares the cells of just that stretch.
"""

from __future__ import annotations

import ctypes
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from gguf_fc.engine.model import DecodeError

SAMPLES = 64  # blocks of a model's file that are hashed
SAMPLE_SIZE = 1 << 14


class SlotMemory:
    """Memory of *context*, whose last slot is the scratch for saving and loading."""

    def __init__(self, model: Any, context: Any) -> None:
        self._context = context
        self._memory = llama_cpp.llama_get_memory(context)
        self._window: int = llama_cpp.llama_model_n_swa(model)
        self._scratch: int = llama_cpp.llama_n_seq_max(context) - 1
        self.can_trim = can_trim(model)
        self.can_cut_states = self.can_trim and not self._window

    def trim(self, slot: int, length: int) -> None:
        """Drop what *slot* holds from position *length* on.  Raises DecodeError."""
        if not llama_cpp.llama_memory_seq_rm(self._memory, slot, length, -1):
            raise DecodeError(f"a part of slot {slot} cannot be dropped in this kind of model")

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the empty slot *target* share the first *length* tokens of *source*."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def shortest_prefix(self, slot: int) -> int:
        """Length of the shortest proper prefix that *slot* can be cut to."""
        if not self.can_trim:
            last: int = llama_cpp.llama_memory_seq_pos_max(self._memory, slot)
            return last + 1
        first: int = llama_cpp.llama_memory_seq_pos_min(self._memory, slot)
        return first + self._window if first > 0 else 0

    def save(self, slot: int, start: int, end: int) -> memoryview:
        """State of what *slot* holds from position *start* up to *end*, its end."""
        if not self.can_trim:
            assert start == 0, "a recurrent state is saved as a whole"
            return self._read(slot)
        llama_cpp.llama_memory_seq_cp(self._memory, slot, self._scratch, start, end)
        try:
            return self._read(self._scratch)
        finally:
            self.trim(self._scratch, 0)

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        """Put the positions from *start* to *end* of a saved state behind what *slot* holds.

        False, and nothing is changed, if there is no room or *data* is no state.
        """
        target = self._scratch if self.can_trim else slot
        first = np.frombuffer(data, np.uint8).ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        if not llama_cpp.llama_state_seq_set_data(self._context, first, len(data), target):
            self.trim(target, 0)
            return False
        if self.can_trim:
            llama_cpp.llama_memory_seq_cp(self._memory, self._scratch, slot, start, end)
            self.trim(self._scratch, 0)
        return True

    def _read(self, slot: int) -> memoryview:
        """State of *slot*, copied once into memory that was not cleared: clearing takes long.

        A conversation's state has tens of megabytes, and may be saved beside running streams.
        """
        size = llama_cpp.llama_state_seq_get_size(self._context, slot)
        state = np.empty(size, np.uint8)
        first = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        size = llama_cpp.llama_state_seq_get_data(self._context, first, size, slot)
        return state.data[:size]


def can_trim(model: Any) -> bool:
    """True if slots of *model* can be cut; False if they can only be dropped as a whole."""
    return not (llama_cpp.llama_model_is_recurrent(model) or llama_cpp.llama_model_is_hybrid(model))


def fingerprint(path: Path, *facts: object) -> str:
    """Identifier of all that a saved state depends on: weights, *facts* and llama.cpp itself.

    Reading a large file whole would take longer than what it saves: blocks all over it stand for
    the rest.  Of a split model the first file stands for all.
    """
    digest = hashlib.blake2b(repr((*facts, version("llama-cpp-python"))).encode(), digest_size=8)
    size = path.stat().st_size
    digest.update(size.to_bytes(8, "little"))
    with path.open("rb") as file:
        for sample in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_SIZE) * sample // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_SIZE))
    return digest.hexdigest()
