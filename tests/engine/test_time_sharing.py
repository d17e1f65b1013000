"""Generating and embedding take turns by the time they cost."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gguf_fc.engine.time_sharing import TimeSharing


@dataclass(slots=True)
class Time:
    """Passes when work is done."""

    now: float = 0.0
    done: list[str] = field(default_factory=list)
    turns: TimeSharing = field(init=False)

    def __post_init__(self) -> None:
        self.turns = TimeSharing(clock=lambda: self.now)

    def step(self, **seconds: float) -> None:
        """One step, where each named work takes so long."""

        def work(name: str) -> None:
            self.done.append(name)
            self.now += seconds[name]

        self.turns.step(
            (lambda: work("generate")) if "generate" in seconds else None,
            (lambda: work("embed")) if "embed" in seconds else None,
        )


@pytest.mark.parametrize(("generate", "embed"), [(1.0, 5.0), (1.0, 2.5), (1.0, 1.0), (0.3, 40.0)])
def test_embedding_takes_between_a_third_and_a_half_of_the_time(
    generate: float, embed: float
) -> None:
    time = Time()
    for _ in range(1000):
        time.step(generate=generate, embed=embed)
    spent = time.done.count("embed") * embed
    assert spent <= time.now / 2 + embed
    assert spent >= time.now / 3 - embed


def test_quick_embedding_has_a_turn_with_every_step() -> None:
    time = Time()
    for _ in range(10):
        time.step(generate=3.0, embed=1.0)
    assert time.done.count("embed") == 10


def test_whoever_is_alone_works_without_a_break() -> None:
    time = Time()
    time.step(generate=1.0, embed=100.0)
    for _ in range(3):
        time.step(embed=1.0)
    time.step(generate=1.0)
    assert time.done[2:] == ["embed", "embed", "embed", "generate"]


def test_what_was_owed_is_forgotten_when_either_has_ended() -> None:
    time = Time()
    time.step(generate=1.0, embed=100.0)
    time.step(generate=1.0)
    time.step(generate=1.0, embed=1.0)
    assert time.done == ["embed", "generate", "generate", "embed", "generate"]
