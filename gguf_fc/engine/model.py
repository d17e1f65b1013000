"""The native line: what the engine needs from a language model, and nothing else.

``llama`` has the real one, the tests a scripted one.  A *slot* is a numbered place in the model's
memory that holds one sequence's tokens.  Slots share their cells: copying a prefix from one to
another costs none, and together all slots hold at most ``n_ctx`` different cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.job import Segment

Logits = NDArray[np.float32]  # one row; may be changed, and is gone at the next decode


class NoRoom(Exception):
    """The memory is full; nothing of the batch was kept."""


class DecodeError(Exception):
    """The model could not evaluate the batch; what its slots hold is unknown."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens as bytes.  *special* ones are control tokens, *ends* those that end a reply."""

    pieces: tuple[bytes, ...]
    special: frozenset[int]
    ends: frozenset[int]
    pointer: int = 0  # llama.cpp's vocabulary and tokenizer, for engines that call it themselves
    tokenizer: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """*tokens* to evaluate at *start* in *slot*; the logits after the last *n_rows* are wanted.

    After these come *n_padding* tokens that nobody asked for: with them the batch costs less.
    """

    slot: int
    start: int
    tokens: Sequence[int]
    n_rows: int = 0
    n_padding: int = 0

    @property
    def asked(self) -> Sequence[int]:
        """The tokens without the filling."""
        return self.tokens[: len(self.tokens) - self.n_padding]


class Model(Protocol):
    """A loaded model with its memory."""

    @property
    def vocabulary(self) -> Vocabulary: ...
    @property
    def n_ctx(self) -> int: ...  # cells, shared by all slots
    @property
    def n_ctx_seq(self) -> int: ...  # tokens of one sequence
    @property
    def n_slots(self) -> int: ...
    @property
    def n_batch(self) -> int: ...  # tokens one decode may hold
    @property
    def costs(self) -> Costs: ...  # what its steps cost here
    @property
    def can_trim(self) -> bool: ...  # whether a part of a slot can be dropped, copied or saved
    @property
    def idle_costs(self) -> bool: ...  # whether what idle slots hold is better kept outside

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """The prompt's tokens, with the begin-of-text token if the model wants one."""
        ...

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        """Evaluate a batch; the rows that each feed wants.

        Raises NoRoom or DecodeError.
        """
        ...

    def trim(self, slot: int, length: int) -> None:
        """Drop what *slot* holds from position *length* on."""
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Let the empty slot *target* share the first *length* tokens of *source*."""
        ...

    def shortest_prefix(self, slot: int) -> int:
        """The shortest beginning, shorter than the whole, that *slot* can be cut to or copied."""
        ...

    def save(self, slot: int, start: int, end: int) -> bytes | memoryview:
        """The state of what *slot* holds from position *start* up to *end*, its end."""
        ...

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        """Put the positions from *start* to *end* of a saved state behind what *slot* holds.

        False, and nothing is changed, if there is no room or *data* is no state.
        """
        ...
