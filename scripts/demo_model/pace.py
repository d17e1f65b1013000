"""Leaves cores to others: threads wait for each other, so one that is kept off its core stops all.

On a machine that other programs use, fewer threads are then faster than more.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

_STAT = Path("/proc/stat")  # absent elsewhere: there the threads stay as they are
_IDLE = (3, 4)  # columns of the first line: idle, and waiting for a disk
_NOTICEABLE = 0.35  # cores


def _busy() -> float:
    """Core seconds that anybody has used since the machine started."""
    columns = [int(column) for column in _STAT.read_text().splitlines()[0].split()[1:9]]
    used = sum(columns) - sum(columns[column] for column in _IDLE)
    return used / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    spent = os.times()
    return spent.user + spent.system


@dataclass(slots=True)
class Pace:
    """Sets the number of threads by the cores that others use."""

    most: int
    _last: tuple[float, float] = field(default=(0.0, 0.0))  # when, and what others had used
    _others: float = 0.0  # cores, smoothed

    def adapt(self) -> None:
        """Set the threads of the next step."""
        if not _STAT.exists():
            return
        now, used = time.monotonic(), _busy() - _own()
        then, before = self._last
        self._last = (now, used)
        if then:
            self._others = 0.5 * self._others + 0.5 * (used - before) / (now - then)
            free = self.most - self._others
            torch.set_num_threads(max(1, min(self.most, int(free + _NOTICEABLE))))
