"""What a guess is worth: prices read from steps, rates read from guesses."""

from __future__ import annotations

import pytest

from gguf_fc.engine.odds import LARGEST_STEP, Costs, Rate


def measured(fixed: float, per_token: float) -> Costs:
    costs = Costs()
    for size in (1, 4, 8, 1, 2):
        costs.note(size, fixed + per_token * size)
    return costs


def test_prices_are_read_from_the_steps() -> None:
    costs = measured(0.09, 0.01)
    assert costs.least_chance(1, 1) == pytest.approx(0.1)
    assert costs.least_chance(1, 6) == pytest.approx(0.4)


def test_the_more_streams_share_a_step_the_surer_a_guess_must_be() -> None:
    costs = measured(0.09, 0.01)
    assert costs.least_chance(9, 1) == pytest.approx(0.5)
    assert costs.least_chance(2, 1) < costs.least_chance(3, 1) < costs.least_chance(3, 2)


def test_where_tokens_cost_nothing_every_guess_pays_and_where_steps_do_none() -> None:
    assert measured(0.1, 0).least_chance(4, 8) < 0.05
    assert measured(0.1, -0.001).least_chance(1, 1) < 0.01
    assert measured(0, 0.1).least_chance(1, 1) > 0.99


def test_steps_of_one_size_and_large_ones_and_those_without_time_say_nothing() -> None:
    unmeasured = Costs().least_chance(1, 1)
    same, large, timeless = Costs(), measured(0.09, 0.01), Costs()
    for _ in range(50):
        same.note(1, 0.1)
        large.note(LARGEST_STEP + 1, 100.0)
        timeless.note(_ % 7, 0.0)
    assert same.least_chance(1, 1) == timeless.least_chance(1, 1) == unmeasured
    assert large.least_chance(1, 1) == pytest.approx(0.1)


def test_a_rate_follows_what_happens_and_begins_with_what_happened_elsewhere() -> None:
    elsewhere = Rate()
    here = Rate(elsewhere)
    assert here.chance == 0.5
    for _ in range(30):
        here.note(hit=True)
    assert here.chance > 0.9
    assert Rate(elsewhere).chance > 0.8
    for _ in range(10):
        here.note(hit=False)
    assert here.chance < 0.5


def test_what_is_passed_by_is_tried_again_some_day() -> None:
    rate = Rate()
    for _ in range(30):
        rate.note(hit=False)
    assert rate.chance < 0.1
    for _ in range(500):
        rate.pass_by()
    assert rate.chance > 0.4
