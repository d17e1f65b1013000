"""The batch of one decode: numpy arrays made once, which ``llama_batch`` only points at."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import llama_cpp
import numpy as np

from gguf_fc.engine.model import Feed


@dataclass(slots=True, eq=False)
class Batch:
    """Arrays behind ``llama_batch``: one sequence id per token."""

    tokens: Any
    positions: Any
    counts: Any
    slots: Any
    outputs: Any
    native: Any

    @classmethod
    def of(cls, size: int) -> Batch:
        """Arrays for at most *size* tokens."""
        tokens, positions, slots = (np.zeros(size, np.int32) for _ in range(3))
        counts, outputs = np.ones(size, np.int32), np.zeros(size, np.int8)
        number = ctypes.POINTER(ctypes.c_int32)
        first = slots.ctypes.data
        rows = (number * (size + 1))()  # ends with a null pointer
        for at in range(size):
            rows[at] = ctypes.cast(first + 4 * at, number)
        native = llama_cpp.llama_batch(
            n_tokens=0,
            token=tokens.ctypes.data_as(number),
            pos=positions.ctypes.data_as(number),
            n_seq_id=counts.ctypes.data_as(number),
            seq_id=rows,
            logits=outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        return cls(tokens, positions, counts, slots, outputs, native)

    def fill(self, feeds: Sequence[Feed]) -> list[range]:
        """Lay *feeds* out one after another; for each, the indices of the logits it wants."""
        end, wanted = 0, []
        for feed in feeds:
            start, end = end, end + len(feed.tokens)
            self.tokens[start:end] = feed.tokens
            self.positions[start:end] = np.arange(feed.start, feed.start + len(feed.tokens))
            self.slots[start:end] = feed.slot
            last = end - feed.n_padding
            self.outputs[start:end] = 0
            self.outputs[last - feed.n_rows : last] = 1
            wanted.append(range(last - feed.n_rows, last))
        self.native.n_tokens = end
        return wanted
