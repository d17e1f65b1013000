"""A measured figure: how many of how many, what was wanted, and what missed.

Knows nothing of what is measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_SHOWN = 100  # characters of a text in a miss


@dataclass(frozen=True, slots=True)
class Miss:
    """One row that is not right, and why; perhaps because it wants what we do not."""

    row: str
    reason: str
    policy: str | None = None


@dataclass(slots=True)
class Figure:
    """A share of rows, or one number with its bound."""

    name: str
    wanted: float | None = None  # the share that is asked for
    total: int = 0
    misses: list[Miss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> int:
        """Rows that are right."""
        return self.total - len(self.misses)

    @property
    def share(self) -> float:
        """Of all rows; 1 where there are none."""
        return self.right / self.total if self.total else 1.0

    @property
    def met(self) -> bool:
        """True if it is as wanted."""
        return self.wanted is None or self.share >= self.wanted

    def count(self, row: str, reason: str | None, policy: str | None = None) -> None:
        """Count a row; *reason* says why it is not right, *policy* why it never will be."""
        self.total += 1
        if reason is not None:
            self.misses.append(Miss(row, reason, policy))

    def summary(self) -> Iterator[str]:
        """Everything about it but its misses."""
        policies = Counter(miss.policy for miss in self.misses if miss.policy)
        for policy, count in policies.items():
            yield f"{count} of the misses by policy: {policy}"
        if (others := self.total - policies.total()) and policies:
            yield f"{self.right / others:.1%} of the others"
        yield from self.notes

    def lines(self, *, listed: bool) -> Iterator[str]:
        """The figure as text, with its misses where they are to be *listed*."""
        asked = "" if self.wanted is None else f"  (wanted {self.wanted:.0%})"
        mark = " " if self.met else "!"
        yield f"{mark} {self.name}: {self.right} of {self.total}, {self.share:.1%}{asked}"
        yield from (f"      {line}" for line in self.summary())
        if listed:
            yield from (_listed(miss) for miss in self.misses)


def _listed(miss: Miss) -> str:
    policy = f" [policy: {miss.policy}]" if miss.policy else ""
    return f"    - {miss.row}: {miss.reason}{policy}"


def short(value: object) -> str:
    """*value* as Python writes it, cut in the middle."""
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    half = _SHOWN // 2
    return f"{text[:half]} ... {text[-half:]}"


def differs(what: str, expected: object, got: object) -> str | None:
    """Difference of *got* from what is wanted, if there is any."""
    return None if expected == got else f"{what}: expected {short(expected)} got {short(got)}"
