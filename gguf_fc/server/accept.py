"""The ``Accept`` header: which of several media types a client likes best (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(header: str, offered: Sequence[str]) -> str:
    """The type of *offered* that *header* gives the most weight; of equals, the first.

    A header that accepts none of them, or that cannot be read, counts as accepting all.
    """
    ranges = [_weighed(part) for part in header.split(",")]
    weights = {kind: _weight(kind, ranges) for kind in offered}
    return max(offered, key=lambda kind: weights[kind])


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    given = next((text[2:] for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, float(given)
    except ValueError:
        return kind, 1.0


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Weight of *kind* by the most specific range that has it; 0 if none does."""
    family = f"{kind.partition('/')[0]}/*"
    for wanted in (kind, family, "*/*"):
        for found, weight in ranges:
            if found == wanted:
                return weight
    return 0.0
