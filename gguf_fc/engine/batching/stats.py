"""What the engine has done since it was started, for those who watch it.

Knows counts and seconds; nothing of sequences, tokens or who asks.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

BATCH_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # tokens in one decode


@dataclass(slots=True, eq=False)
class DecodeStats:
    """Decodes by their size, and what they took."""

    batches: list[int] = field(default_factory=lambda: [0] * (len(BATCH_BOUNDS) + 1), init=False)
    tokens: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    def note(self, n_tokens: int, seconds: float) -> None:
        """A decode of *n_tokens* tokens took *seconds*."""
        self.batches[bisect_left(BATCH_BOUNDS, n_tokens)] += 1
        self.tokens += n_tokens
        self.seconds += seconds
