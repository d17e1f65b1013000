"""Longest common prefix of two sequences of tokens."""

from __future__ import annotations

from collections.abc import Sequence


def common(a: Sequence[int], b: Sequence[int], *, a_from: int = 0, b_from: int = 0) -> int:
    """Length of the longest common prefix of two lists, from *a_from* and *b_from* on."""
    low, high = 0, min(len(a) - a_from, len(b) - b_from)
    while low < high:  # comparing slices is many times faster than comparing token by token
        middle = (low + high + 1) // 2
        if a[a_from + low : a_from + middle] == b[b_from + low : b_from + middle]:
            low = middle
        else:
            high = middle - 1
    return low
