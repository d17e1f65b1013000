"""Workloads and samples: a workload is played in a scene, and gives a sample.

Shared by the workloads, by what plays them, and by what prints the results.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gguf_fc.bench.client import Client

Unit = Literal["s", "tokens/s"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement in the workload's unit; *notes* are further figures, by name."""

    value: float
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One round for one server: its client, and the lengths to measure with."""

    client: Client
    number: int  # of the round: makes its questions its own
    tokens: int  # how long a free reply is
    long_tokens: int  # how long a long prompt is, about
    words_per_token: float = 0.5  # of the filler text, by the model's tokenizer
    end_tokens: tuple[int, ...] = ()  # that a free reply must not end with
    restart: Callable[[], Awaitable[Client]] | None = None  # None: this server is not ours to stop

    @property
    def long_words(self) -> int:
        """Number of words of filler in a long prompt."""
        return max(1, int(self.long_tokens * self.words_per_token))


@dataclass(frozen=True, slots=True)
class Workload:
    """Work that is the same for every server, and the unit it is measured in."""

    name: str
    about: str  # what is measured, in a line
    unit: Unit
    play: Callable[[Scene], Awaitable[Sample]]

    def speedup(self, ours: float, theirs: float) -> float:
        """Ratio by which *ours* is faster than *theirs*; both are in the workload's unit."""
        return theirs / ours if self.unit == "s" else ours / theirs
