"""What is extra in a step: measured, bounded, and never nothing for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gguf_fc.engine.batching.pace import (
    ATTENTION_TILE,
    FIRST,
    PROMPT_SECONDS,
    REMEASURE,
    SHARE_AHEAD,
    SLOWDOWN,
    STEP_SECONDS,
    Pace,
)

N_BATCH = 512
PROMISED = 3  # times the gap without prompts
Machine = Callable[[int, int], float]  # seconds of a step of so many tokens beside a first token


@dataclass(frozen=True, slots=True)
class Ran:
    """A step: its extra tokens, what it took, and what it would have taken without them."""

    n_extra: int
    seconds: float
    plain: float

    @property
    def times(self) -> float:
        return self.seconds / self.plain


def drive(pace: Pace, machine: Machine, n_steps: int, n_streams: int = 1) -> list[Ran]:
    """Steps of *n_streams* on *machine* while an endless prompt waits."""
    ran = []
    for at in range(n_steps):
        n_extra = pace.budget(n_streams, prompts_wait=True).extra
        ran.append(Ran(n_extra, machine(at, n_extra), machine(at, 0)))
        pace.note(n_streams, n_extra, 0, ran[-1].seconds)
    return ran


def steady(per_token: float, plain: float = 0.1) -> Machine:
    return lambda _, n_extra: plain + per_token * n_extra


def alone(pace: Pace) -> int:
    return pace.budget(0, prompts_wait=True).extra


def test_alone_a_step_grows_while_it_is_quick_and_shrinks_when_it_is_slow() -> None:
    pace = Pace(N_BATCH)
    assert alone(pace) == FIRST
    pace.note(0, FIRST, 0, PROMPT_SECONDS / 4)
    assert alone(pace) == 2 * FIRST
    pace.note(0, 2 * FIRST, 0, PROMPT_SECONDS * 2)
    assert alone(pace) == FIRST
    pace.note(0, 3, 0, 0.001)
    assert alone(pace) == FIRST, "the end of a prompt says nothing of a whole step"
    assert alone(Pace(16)) == 16
    assert alone(Pace(4)) == 4


@given(st.lists(st.tuples(st.integers(1, N_BATCH), st.floats(0.001, 100)), max_size=20))
def test_alone_prompts_are_read_in_whole_tiles_however_long_one_takes(
    steps: list[tuple[int, float]],
) -> None:
    pace = Pace(N_BATCH)
    for n_tokens, seconds in steps:
        pace.note(0, n_tokens, 0, seconds)
        assert alone(pace) % ATTENTION_TILE == 0
        assert ATTENTION_TILE <= alone(pace) <= N_BATCH


def test_a_batch_that_is_smaller_than_a_tile_stays_as_it_is() -> None:
    pace = Pace(16)
    pace.note(0, 16, 0, 1000.0)
    assert alone(pace) == 16


def test_without_prompts_what_is_ahead_keeps_steps_short() -> None:
    pace = Pace(N_BATCH)
    n_ahead, seconds = 72, 0.0
    for _ in range(10):
        taken = min(n_ahead, pace.budget(3, prompts_wait=False).ahead)
        seconds = 0.1 + 0.03 * taken
        pace.note(3, 0, taken, seconds)
    assert STEP_SECONDS / 2 < seconds <= STEP_SECONDS
    assert alone(pace) == FIRST, "prompts are another matter"


def test_beside_prompts_the_streams_have_a_part_of_the_room_for_what_is_ahead() -> None:
    pace = Pace(N_BATCH)
    drive(pace, steady(0.001), 30)
    room = pace.budget(1, prompts_wait=True)
    assert room.ahead == room.extra // SHARE_AHEAD > 0


def test_a_step_without_anything_extra_is_measured_first_and_from_time_to_time() -> None:
    ran = drive(Pace(N_BATCH), steady(0.01), 2 * REMEASURE)
    plain = [at for at, step in enumerate(ran) if not step.n_extra]
    assert plain == [0, REMEASURE + 1]


def test_other_streams_are_measured_anew() -> None:
    pace = Pace(N_BATCH)
    drive(pace, steady(0.01), 5)
    assert drive(pace, steady(0.01), 2, n_streams=2)[0].n_extra == 0


def test_fewer_and_quicker_streams_have_smaller_chunks_at_once() -> None:
    pace = Pace(N_BATCH)
    drive(pace, steady(0.01, plain=0.4), 20, n_streams=8)
    ran = drive(pace, steady(0.01, plain=0.05), 5)
    assert max(step.times for step in ran) <= PROMISED


def test_streams_that_were_guessed_for_long_are_measured_anew() -> None:
    pace = Pace(N_BATCH)
    drive(pace, steady(0.01), 5)
    for _ in range(REMEASURE):
        pace.note(1, 0, 20, 0.4)
    ran = drive(pace, steady(0.01, plain=0.3), 10)
    assert ran[0].n_extra == 0
    assert ran[-1].n_extra > 2 * drive(Pace(N_BATCH), steady(0.01), 10)[-1].n_extra


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    plain=st.floats(0.001, 1),
    first=st.floats(0, 3),
    each=st.floats(1e-4, 3),
    growth=st.floats(0, 0.002),
    noise=st.lists(st.floats(0.97, 1.03), min_size=7, max_size=7),
)
def test_whatever_tokens_cost_gaps_are_right_on_average(
    plain: float, first: float, each: float, growth: float, noise: list[float]
) -> None:
    """The first extra token costs *first* plain steps beside what *each* of them costs."""
    assume(first + each < 10)

    def machine(at: int, n_extra: int) -> float:
        cost = (first + each * n_extra) if n_extra else 0.0
        return plain * (1 + cost) * (1 + growth * at) * noise[at % len(noise)]

    ran = drive(Pace(N_BATCH), machine, 200)
    settled = ran[40:]
    allowed = (SLOWDOWN - 1) * mean(step.plain for step in settled)
    used = mean(step.seconds - step.plain for step in settled)
    assert mean(step.times for step in settled) <= PROMISED
    assert used >= 0.45 * allowed or max(step.n_extra for step in settled) == N_BATCH
    if first + each < 1:
        assert max(step.times for step in settled) <= 1.1 * PROMISED


def test_a_token_that_takes_too_long_is_paid_for_by_steps_without() -> None:
    ran = drive(Pace(N_BATCH), steady(0.5), 100)
    assert {step.n_extra for step in ran[10:]} == {0, 1}
    assert mean(step.times for step in ran[10:]) <= PROMISED


def test_one_step_that_was_disturbed_does_not_hold_prompts_up_for_long() -> None:
    ran = drive(Pace(N_BATCH), lambda at, n: 0.1 + 0.01 * n + (30.0 if at == 20 else 0), 60)
    assert sum(not step.n_extra for step in ran[21:]) <= 8
    assert ran[-1].n_extra >= 0.8 * ran[19].n_extra


def test_a_clock_that_stands_still_lets_prompts_on() -> None:
    assert drive(Pace(N_BATCH), lambda *_: 0.0, 20)[-1].n_extra == N_BATCH


@pytest.mark.parametrize("extra", [0.0, -0.05])
def test_a_step_that_costs_nothing_more_lets_the_next_be_larger(extra: float) -> None:
    pace = Pace(N_BATCH)
    ran = drive(pace, lambda _, n_extra: 0.1 + extra * bool(n_extra), 3)
    assert ran[2].n_extra == 2 * ran[1].n_extra


def test_the_end_of_a_prompt_does_not_change_the_share() -> None:
    pace = Pace(N_BATCH)
    drive(pace, steady(0.005), 20)
    before = pace.budget(1, prompts_wait=True).extra
    pace.note(1, 1, 0, 0.12)  # one token, and what goes with the first one of any number
    assert abs(pace.budget(1, prompts_wait=True).extra - before) <= 0.15 * before
