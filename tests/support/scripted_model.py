"""A model without weights: its tokens are bytes, its next token a function of those before it.

It keeps books as strictly as llama.cpp does, and more loudly: a feed that does not continue what
its slot holds is an assertion, a full memory is ``NoRoom``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.model import DecodeError, Feed, Logits, NoRoom, Vocabulary
from gguf_fc.job import Segment

END = 256
VOCABULARY = Vocabulary(
    pieces=(*(bytes([byte]) for byte in range(256)), b"<end>"),
    special=frozenset({END}),
    ends=frozenset({END}),
)


@dataclass(slots=True, eq=False)
class ScriptedModel:
    """*reply* says which token follows a sequence of tokens."""

    reply: Callable[[Sequence[int]], int]
    n_ctx: int = 256
    n_ctx_seq: int = 128
    n_slots: int = 4
    n_batch: int = 64
    can_trim: bool = True
    costs: Costs = field(default_factory=Costs)
    vocabulary: Vocabulary = VOCABULARY
    broken: bool = False  # decode fails
    idle_costs: bool = False
    seconds: Callable[[int], float] = lambda _: 0.0  # what a decode of so many tokens takes
    elapsed: float = field(default=0.0, init=False)
    slots: list[list[tuple[int, int]]] = field(init=False)  # (cell, token)
    batches: list[list[Feed]] = field(default_factory=list, init=False)
    _cells: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.slots = [[] for _ in range(self.n_slots)]

    def tokenize(self, segments: Sequence[Segment]) -> list[int]:
        return list("".join(segment.text for segment in segments).encode())

    def n_tokens(self, text: str, most: int) -> int:
        return min(len(text.encode()), most + 1)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        assert feeds, "nothing to decode"
        assert all(feed.tokens for feed in feeds)
        assert len({feed.slot for feed in feeds}) == len(feeds)
        count = sum(len(feed.tokens) for feed in feeds)
        assert count <= self.n_batch
        if self.broken:
            raise DecodeError("out of order")
        if len({cell for slot in self.slots for cell, _ in slot}) + count > self.n_ctx:
            raise NoRoom
        self.batches.append(list(feeds))
        self.elapsed += self.seconds(count)
        return [self._evaluate(feed) for feed in feeds]

    def _evaluate(self, feed: Feed) -> list[Logits]:
        slot = self.slots[feed.slot]
        assert feed.start == len(slot), "positions must follow one another"
        for token in feed.tokens:
            self._cells += 1
            slot.append((self._cells, token))
        rows = []
        end = len(slot) - feed.n_padding
        for length in range(end - feed.n_rows, end):
            row = np.zeros(len(self.vocabulary.pieces), np.float32)
            row[self.reply([token for _, token in slot[: length + 1]])] = 10
            rows.append(row)
        return rows

    def trim(self, slot: int, length: int) -> None:
        assert self.can_trim or length in (0, len(self.slots[slot]))
        del self.slots[slot][length:]

    def copy(self, source: int, target: int, length: int) -> None:
        assert self.can_trim or length == len(self.slots[source])
        assert not self.slots[target], "the target must be empty"
        self.slots[target] = self.slots[source][:length]

    def shortest_prefix(self, slot: int) -> int:
        return 0 if self.can_trim else len(self.slots[slot])

    def save(self, slot: int, start: int, end: int) -> bytes:
        assert end == len(self.slots[slot])
        assert self.can_trim or start == 0
        held = enumerate(token for _, token in self.slots[slot])
        return b"".join(struct.pack("<ii", at, token) for at, token in held if at >= start)

    def load(self, slot: int, data: bytes | memoryview, start: int, end: int) -> bool:
        assert start == len(self.slots[slot])
        saved = dict(struct.iter_unpack("<ii", data))
        if len({cell for held in self.slots for cell, _ in held}) + len(saved) > self.n_ctx:
            return False
        for at in range(start, end):
            self._cells += 1
            self.slots[slot].append((self._cells, saved[at]))
        return True


def saying(*texts: str, after: str = "|") -> Callable[[Sequence[int]], int]:
    """A reply: the first text for which the prompt's last letter before *after* is its index."""

    def reply(tokens: Sequence[int]) -> int:
        prompt, _, said = bytes(tokens).decode().rpartition(after)
        text = texts[int(prompt[-1:] or 0)]
        return ord(text[len(said)]) if len(said) < len(text) else END

    return reply


def rambling(tokens: Sequence[int]) -> int:
    """A reply that depends on every token before it, and ends now and then."""
    state = sum((at + 1) * token for at, token in enumerate(tokens))
    return END if state % 41 == 0 else ord("a") + state % 26
