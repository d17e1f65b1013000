"""Scores between 0 and 1."""

from __future__ import annotations

import pytest

from gguf_fc.protocols.rerank import logistic


@pytest.mark.parametrize(
    ("score", "between"), [(0, 0.5), (1e9, 1), (-1e9, 0), (2.0, 0.8807970779), (-2.0, 0.1192029220)]
)
def test_any_score_has_a_place_between_0_and_1(score: float, between: float) -> None:
    assert logistic(score) == pytest.approx(between)
