"""Ratios are taken round by round and always say how many times faster the first one is."""

from __future__ import annotations

import pytest

from gguf_fc.bench.ratios import Spread, notes_of, speedup, table, values_of
from gguf_fc.bench.rounds import Result
from gguf_fc.bench.sample import Sample, Scene, Unit, Workload


async def nothing(_scene: Scene) -> Sample:
    raise AssertionError


def result(unit: Unit, ours: list[float], theirs: list[float]) -> Result:
    samples = {
        "ours": [Sample(value, {"tokens": 10 * value}) for value in ours],
        "theirs": [Sample(value) for value in theirs],
    }
    return Result(Workload("w", "what it is", unit, nothing), samples)


@pytest.mark.parametrize(("unit", "times"), [("s", 2.0), ("tokens/s", 0.5)])
def test_twice_as_fast_is_two_whatever_the_unit(unit: Unit, times: float) -> None:
    assert speedup(result(unit, [1], [2]), "ours", "theirs") == Spread(times, times, times, 1)


def test_a_ratio_is_that_of_its_round() -> None:
    found = speedup(result("s", [1, 10, 2], [2, 10, 8]), "ours", "theirs")
    assert found == Spread(2, 1, 4, 3)


def test_without_samples_there_is_no_ratio() -> None:
    assert speedup(result("s", [1], []), "ours", "theirs") is None
    assert values_of(result("s", [], []), "ours") is None


def test_a_spread_shows_three_digits() -> None:
    assert Spread(0.012345, 0.01, 1234.5, 3).text() == "0.0123 (0.0100-1234)"


def test_the_table_says_values_notes_ratios_and_failures() -> None:
    one = result("s", [1, 2], [3, 3])
    other = result("s", [1], [])
    other.failures["theirs"] = "does not call"
    text = table([one, other])
    assert "w: what it is" in text
    assert "1.50 (1.00-2.00) s" in text
    assert "tokens 15.0" in text
    assert "ours is 2.25 (1.50-3.00) times as fast as theirs" in text
    assert "does not call" in text
    assert notes_of(one, "theirs") == ""
