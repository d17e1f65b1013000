"""Decode counters since the engine was started: a histogram of batch sizes, tokens, seconds."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # tokens per decode


@dataclass(slots=True, eq=False)
class DecodeStats:
    """Counts of decodes by batch size, with their tokens and time."""

    batches: list[int] = field(default_factory=lambda: [0] * (len(BATCH_BOUNDS) + 1), init=False)
    tokens: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    def note(self, n_tokens: int, seconds: float) -> None:
        """Count a decode of *n_tokens* that took *seconds*."""
        self.batches[bisect_left(BATCH_BOUNDS, n_tokens)] += 1
        self.tokens += n_tokens
        self.seconds += seconds
