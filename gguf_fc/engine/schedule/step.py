"""One step of continuous batching: the batch that one decode evaluates."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.engine.model import Feed
from gguf_fc.engine.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """Feeds of one decode, and the sequence that each belongs to."""

    sequences: list[Sequence]
    feeds: list[Feed]

    @property
    def n_tokens(self) -> int:
        """Tokens in the batch, without padding."""
        return sum(len(feed.asked) for feed in self.feeds)

    @property
    def n_prompt(self) -> int:
        """Tokens in the batch that are prefill."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        return sum(len(feed.asked) for seq, feed in pairs if feed.start < seq.n_prompt)

    @property
    def n_ahead(self) -> int:
        """Draft tokens in the batch."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        streams = ((seq, feed) for seq, feed in pairs if feed.start >= seq.n_prompt)
        return sum(max(0, len(feed.asked) - seq.n_certain) for seq, feed in streams)

    @property
    def n_streams(self) -> int:
        """Sequences in the batch that decode."""
        pairs = zip(self.sequences, self.feeds, strict=True)
        return sum(feed.start >= seq.n_prompt for seq, feed in pairs)
