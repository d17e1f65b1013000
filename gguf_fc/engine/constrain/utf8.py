"""Mask of the tokens that keep a reply valid UTF-8; tokens may hold a part of a character.

For an engine that does not look: llama.cpp's grammar sampler takes any byte for the next one of an
unfinished character, a quotation mark too.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SURROGATES = b"\xed\xa0", b"\xed\xbf"  # how they would begin
CONTINUATION = range(0x80, 0xC0)  # bytes that no character begins with


def unfinished(data: bytes) -> bytes | None:
    """Unfinished character at the end of *data*; None if *data* can never be UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return None
    rest = decoder.getstate()[0]
    # The decoder waits for the end of a surrogate before it refuses it.
    return None if SURROGATES[0] <= rest[:2] <= SURROGATES[1] else rest


class Utf8Tokens:
    """Masks of one vocabulary, by the unfinished character before the next token."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._first = np.array([unfinished(piece) is not None for piece in pieces])
        self._inner = [
            token for token, piece in enumerate(pieces) if piece and piece[0] in CONTINUATION
        ]

    def after(self, pending: bytes) -> NDArray[np.bool_]:
        """Mask of the tokens that may follow the unfinished character *pending*."""
        if not pending:
            return self._first
        mask = np.zeros(len(self._pieces), bool)
        fitting = [t for t in self._inner if unfinished(pending + self._pieces[t]) is not None]
        mask[fitting] = True
        return mask
