"""Streaming detokenizer: bytes of tokens to text, never half a character.

At most the three bytes of an unfinished character are held; bytes that are no UTF-8 become U+FFFD.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Detokenizer:
    """Incremental UTF-8 decoder: feed it the bytes of one token after another."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"), init=False
    )

    def feed(self, piece: bytes) -> str:
        """Characters that are now complete."""
        return self._decoder.decode(piece)

    def finish(self) -> str:
        """Replacement for an unfinished character at the end, if there is one."""
        return self._decoder.decode(b"", final=True)
