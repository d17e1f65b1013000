"""What two sequences of tokens begin with in common."""

from __future__ import annotations

from collections.abc import Sequence


def common(a: Sequence[int], b: Sequence[int]) -> int:
    """The length of the longest common prefix of two lists."""
    low, high = 0, min(len(a), len(b))
    while low < high:  # comparing slices is many times faster than comparing token by token
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
