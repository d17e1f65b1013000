"""Native interface: what the engine needs from a language model, and nothing else.

``llama`` has the real one, the tests a scripted one.  A *slot* is a sequence id of the KV cache: it
holds one sequence's tokens.  Slots share their cells: copying a prefix from one to another costs
none, and together all slots hold at most ``n_ctx`` different cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.job import Segment

Logits = NDArray[np.float32]  # one row, shape (vocabulary,); writable, gone at the next decode


class NoRoom(Exception):
    """Full KV cache; nothing of the batch was kept."""


class DecodeError(Exception):
    """Failed decode; what the slots of the batch hold is unknown."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens as bytes.  *special* ones are control tokens, *ends* those that end a reply."""

    pieces: tuple[bytes, ...]
    special: frozenset[int]
    ends: frozenset[int]
    pointer: int = 0  # llama.cpp's vocabulary and tokenizer, for engines that call it themselves
    tokenizer: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """Part of a batch: *tokens* to evaluate at position *start* of *slot*.

    The last *n_padding* of them are padding, with which the batch costs less; logits are wanted
    after the last *n_rows* of the others.
    """

    slot: int
    start: int
    tokens: Sequence[int]
    n_rows: int = 0
    n_padding: int = 0

    @property
    def asked(self) -> Sequence[int]:
        """Tokens without the padding."""
        return self.tokens[: len(self.tokens) - self.n_padding]


class Model(Protocol):
    """Loaded model with its KV cache."""

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
    def costs(self) -> Costs: ...  # of its steps on this machine
    @property
    def can_trim(self) -> bool: ...  # a part of a slot can be dropped, copied or saved
    @property
    def idle_costs(self) -> bool: ...  # idle slots are better kept as saved states

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        """Tokens of a prompt, with the begin-of-text token if the model wants one."""
        ...

    def n_tokens(self, text: str, most: int) -> int:
        """Number of tokens of *text*, at least about; it is not counted far beyond *most*."""
        ...

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        """Evaluate a batch; the rows of logits that each feed wants.

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
        """Length of the shortest proper prefix that *slot* can be cut to or that can be copied."""
        ...

    def save(self, slot: int, start: int, end: int) -> bytes | memoryview:
        """State of what *slot* holds from position *start* up to *end*, its end."""
        ...

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        """Put the positions from *start* to *end* of a saved state behind what *slot* holds.

        False, and nothing is changed, if there is no room or *data* is no state.
        """
        ...
