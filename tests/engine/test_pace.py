"""The share of prompts in a step: measured, bounded, and never nothing for long."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.pace import FIRST_ALONE, LEAST_ALONE, REMEASURE, SLOWDOWN, STEP_SECONDS, Pace

BASE = 0.1  # seconds of a step with one stream alone


def drive(pace: Pace, per_token: float, n_steps: int, n_streams: int = 1) -> list[int]:
    """The prompt tokens of each step on a machine that takes so long for each."""
    taken = []
    for _ in range(n_steps):
        room = pace.room(n_streams)
        pace.note(n_streams, room, BASE * n_streams + per_token * room)
        taken.append(room)
    return taken


def test_alone_a_step_grows_while_it_is_quick_and_shrinks_when_it_is_slow() -> None:
    pace = Pace(512)
    assert pace.room(0) == FIRST_ALONE
    pace.note(0, FIRST_ALONE, STEP_SECONDS / 4)
    assert pace.room(0) == 2 * FIRST_ALONE
    pace.note(0, 2 * FIRST_ALONE, STEP_SECONDS * 2)
    assert pace.room(0) == FIRST_ALONE
    pace.note(0, FIRST_ALONE, 1000.0)
    assert pace.room(0) == LEAST_ALONE
    pace.note(0, 3, 0.001)
    assert pace.room(0) == LEAST_ALONE, "the end of a prompt says nothing of a whole step"
    assert Pace(16).room(0) == 16


def test_a_step_without_prompts_is_measured_first_and_from_time_to_time() -> None:
    taken = drive(Pace(512), 0.01, 2 * REMEASURE)
    assert taken[0] == 0
    assert taken.count(0) == 2
    assert taken.index(0, 1) == REMEASURE + 1


def test_other_streams_are_measured_anew() -> None:
    pace = Pace(512)
    drive(pace, 0.01, 5)
    assert pace.room(1) > 0
    assert pace.room(2) == 0
    assert drive(pace, 0.01, 2, n_streams=2)[1] > 0


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.floats(1e-6, BASE))
def test_steps_settle_at_the_slowdown_and_never_go_far_beyond(per_token: float) -> None:
    taken = drive(Pace(512), per_token, 100)
    assert all(room > 0 for room in taken[1 : REMEASURE + 1])
    assert max(room * per_token for room in taken[5:]) <= 1.01 * (SLOWDOWN - 1) * BASE + per_token
    last = max(taken[-20:])
    assert last == 512 or (last + 1) * per_token >= 0.45 * (SLOWDOWN - 1) * BASE


@pytest.mark.parametrize("extra", [0.0, -0.5])
def test_a_step_that_costs_nothing_more_lets_the_next_be_larger(extra: float) -> None:
    pace = Pace(512)
    drive(pace, 0.01, 1)
    room = pace.room(1)
    pace.note(1, room, BASE + extra)
    assert pace.room(1) == 2 * room


def test_the_end_of_a_prompt_does_not_raise_the_share() -> None:
    pace = Pace(512)
    drive(pace, 0.01, 5)
    room = pace.room(1)
    pace.note(1, 1, BASE)
    assert pace.room(1) == room
