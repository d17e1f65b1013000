"""Regrouping a prompt's segments for tokenizing, so that no user text forges a control token.

Text a user or tool supplied must not turn into control tokens, yet splitting the prompt wherever
such text begins would change the tokens at every seam.  So everything is tokenized as one piece,
except that a control token's text which any untrusted character helped to write is cut out and
tokenized as plain text.  Pure; knows no tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from gguf_fc.job import Segment


def parts(segments: Sequence[Segment], controls: Iterable[str]) -> list[Segment]:
    """Regroup *segments*: as few as possible, with no forged control token."""
    text = "".join(segment.text for segment in segments)
    trusted = [segment.special for segment in segments for _ in segment.text]
    if all(trusted):
        return [Segment(text)] if text else []
    forged = [False] * len(text)
    for start, end in _occurrences(text, controls):
        for at in range(start, end):
            forged[at] |= not all(trusted[start:end]) and not trusted[at]
    groups = groupby(range(len(text)), key=forged.__getitem__)
    return [Segment("".join(text[at] for at in group), not cut) for cut, group in groups]


def _occurrences(text: str, controls: Iterable[str]) -> Iterator[tuple[int, int]]:
    for control in controls:
        at = text.find(control)
        while at >= 0:
            yield at, at + len(control)
            at = text.find(control, at + 1)


def tokens_within(segments: Sequence[Segment], n_characters: int, pieces: Iterable[bytes]) -> int:
    """Number of a prompt's tokens, given as *pieces*, within its first *n_characters*.

    The last of them is left out where text might have gone on in it.
    """
    text = "".join(segment.text for segment in segments)
    room = len(text[:n_characters].encode())
    count = 0
    for piece in pieces:
        room -= len(piece)
        if room <= 0:
            break
        count += 1
    return count
