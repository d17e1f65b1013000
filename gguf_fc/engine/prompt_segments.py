"""Regrouping a prompt's segments for tokenizing, so that no user text forges a control token.

Text a user or tool supplied must not turn into control tokens, yet splitting the prompt wherever
such text begins would change the tokens at every seam.  So everything is tokenized as one piece,
except that a control token's text which any untrusted character helped to write is cut out and
tokenized as plain text.  Pure; knows no tokenizer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from gguf_fc.job import Segment


def parts(segments: Sequence[Segment], controls: Iterable[str]) -> list[Segment]:
    """Regroup *segments*: as few as possible, with no forged control token."""
    text = "".join(segment.text for segment in segments)
    untrusted = list(_untrusted(segments))
    found: list[Segment] = []
    end = 0
    for start, stop in _forged(text, controls, untrusted) if untrusted else ():
        if start > end:
            found.append(Segment(text[end:start]))
        found.append(Segment(text[start:stop], special=False))
        end = stop
    return [*found, Segment(text[end:])] if end < len(text) else found


def _untrusted(segments: Sequence[Segment]) -> Iterator[tuple[int, int]]:
    """Places of the text that a user or a tool supplied."""
    end = 0
    for segment in segments:
        start, end = end, end + len(segment.text)
        if not segment.special and end > start:
            yield start, end


def _forged(
    text: str, controls: Iterable[str], untrusted: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Places of untrusted characters that help to write a control token; in order, none touch."""
    starts = [start for start, _ in untrusted]
    pieces = []
    for start, end in _occurrences(text, controls):
        first = max(0, bisect_right(starts, start) - 1)
        for begin, stop in untrusted[first:]:
            if begin >= end:
                break
            if stop > start:
                pieces.append((max(begin, start), min(stop, end)))
    joined: list[tuple[int, int]] = []
    for begin, stop in sorted(pieces):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((begin, stop))
    return joined


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
