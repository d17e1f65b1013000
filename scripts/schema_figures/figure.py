"""A measured figure, and the corpus it is measured on.

Times are those of the processor, so that other programs on the machine do not count.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Figure:
    """A share of rows, with what was wanted and every row that is not right."""

    name: str
    wanted: str = ""
    right: int = 0
    total: int = 0
    notes: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)  # of each miss

    def count(self, row: str, wrong: str | None, detail: str = "") -> None:
        """Count a row; *wrong* says what is, or None, and *detail* shows it."""
        self.total += 1
        if wrong is None:
            self.right += 1
        else:
            self.misses.append(f"{row}: {wrong}")
            self.details.append(detail)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Name, share, what was wanted, notes."""
        share = f"{self.right} of {self.total}"
        if self.total:
            share += f" ({self.right / self.total:.1%})"
        return self.name, share if self.total else "", self.wanted, "; ".join(self.notes)


def rows(path: Path, every: int = 1) -> Iterator[dict[str, Any]]:
    """Every *every*-th JSON line of *path*."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    for at, line in enumerate(text.splitlines()):
        if at % every == 0:
            yield json.loads(line)


def milliseconds(seconds: list[float]) -> str:
    """The median, the 99th percentile and the longest of *seconds*."""
    ordered = sorted(seconds)
    shares = {"median": 0.5, "p99": 0.99, "longest": 1.0}
    at = {name: ordered[min(len(ordered) - 1, int(s * len(ordered)))] for name, s in shares.items()}
    return ", ".join(f"{name} {value * 1000:.3g} ms" for name, value in at.items())
