"""Sampling: the right candidates, the right distribution, the same seed the same choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.model import Logits
from gguf_fc.engine.sample.sampler import (
    FEW,
    Sampler,
    draw,
    largest,
    likeliest,
    likely,
    ranked,
    typical,
)
from gguf_fc.errors import EngineError
from gguf_fc.job import Sampling

OFF = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}


def row(*values: float) -> Logits:
    return np.array(values, np.float32)


def logits_of(*probabilities: float) -> Logits:
    return np.log(row(*probabilities))


def chosen(sampling: Sampling, logits: Logits, times: int = 2_000) -> dict[int, float]:
    """How often each token is chosen."""
    sampler = Sampler(sampling)
    tokens, counts = np.unique([sampler.choose(logits) for _ in range(times)], return_counts=True)
    return dict(zip(tokens.tolist(), (counts / times).tolist(), strict=True))


def options(**given: float | None) -> Sampling:
    return Sampling(**{"seed": 1, "temperature": 1.0, **OFF, **given})  # type: ignore[arg-type]


def left_of(logits: Logits, top_p: float, min_p: float) -> list[int]:
    """Where those stand that the cuts leave."""
    if len(logits) <= FEW:
        return [place for _, place in ranked(logits.tolist(), top_p, min_p)]
    return likely(logits, top_p, min_p).tolist()  # type: ignore[no-any-return]


def test_temperature_0_takes_the_largest() -> None:
    assert Sampler(Sampling(temperature=0)).choose(row(1, 3, 2)) == 1


def test_without_any_cut_tokens_come_as_often_as_they_are_probable() -> None:
    shares = chosen(options(), logits_of(0.5, 0.3, 0.2))
    assert shares == pytest.approx({0: 0.5, 1: 0.3, 2: 0.2}, abs=0.05)


def test_a_low_temperature_sharpens() -> None:
    assert chosen(options(temperature=0.5), logits_of(0.6, 0.4))[0] == pytest.approx(0.69, abs=0.04)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"top_k": 2}, {0, 2}),
        ({"top_p": 0.7}, {0, 2}),
        ({"top_p": 0.01}, {0}),
        ({"min_p": 0.5}, {0, 2}),
        ({"top_k": 3, "top_p": 0.5}, {0}),
        ({"top_k": 99, "top_p": 1.0}, {0, 1, 2, 3}),
    ],
)
def test_cuts_leave_the_most_probable(given: dict[str, float], left: set[int]) -> None:
    assert set(chosen(options(**given), logits_of(0.5, 0.1, 0.3, 0.1))) == left


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.05, 0.999), st.sampled_from([0.1, 1.0, 8.0]))
def test_top_p_without_sorting_equals_top_p_by_sorting(seed: int, p: float, width: float) -> None:
    logits = np.random.default_rng(seed).normal(0, width, 3_000).astype(np.float32)
    weights = np.exp((logits - logits.max()).astype(np.float64))
    order = np.argsort(-weights, kind="stable")
    needed = int(np.searchsorted(weights[order].cumsum(), p * weights.sum())) + 1
    left = left_of(logits, p, 0)
    assert abs(len(left) - needed) <= 1
    assert set(left) <= set(order[: needed + 1].tolist())


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 5_000), st.integers(1, 300), st.sampled_from([1, 3, 9999])
)
def test_the_largest_are_found_without_looking_at_all(
    seed: int, n: int, count: int, n_values: int
) -> None:
    """Equal values, too: there are as many of each as there should be."""
    values = np.random.default_rng(seed).integers(0, n_values, n).astype(np.float32)
    found = largest(values, count)
    assert len(set(found.tolist())) == len(found) == min(n, count)
    assert sorted(values[found]) == sorted(values)[-count:]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0, 40, 600]),
    st.floats(0.05, 1),
    st.floats(0, 1),
    st.sampled_from([0.1, 1.0, 8.0]),
)
def test_cuts_together_leave_what_cutting_one_after_the_other_leaves(
    seed: int, top_k: int, top_p: float, min_p: float, width: float
) -> None:
    logits = np.random.default_rng(seed).normal(0, width, 2_000).astype(np.float32)
    left = np.argsort(-logits)[: top_k or None]
    shares = np.exp((logits[left] - logits.max()).astype(np.float64))
    n_likely = int(np.searchsorted(shares.cumsum(), top_p * shares.sum())) + 1
    n_near = int((shares >= min_p).sum())
    tokens = largest(logits, top_k) if top_k else np.arange(2_000)
    found = tokens[left_of(logits[tokens], top_p, min_p)]
    assert abs(len(found) - min(n_likely, n_near, len(left))) <= 1
    assert set(found.tolist()) == set(left[: len(found)].tolist())


@pytest.mark.parametrize("values", [[np.nan, 1], [1, np.nan], [1, np.inf], [-np.inf, -np.inf]])
def test_of_a_few_that_are_no_numbers_nothing_is_chosen(values: list[float]) -> None:
    with pytest.raises(EngineError, match="no numbers"):
        Sampler(options()).choose(row(*values))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 5_000), st.integers(1, 400), st.sampled_from([1, 3, 9999])
)
def test_the_likeliest_are_the_first_of_all_in_order(
    seed: int, n: int, count: int, n_values: int
) -> None:
    logits = np.random.default_rng(seed).integers(0, n_values, n).astype(np.float32)
    found = likeliest(logits, count)
    assert len(found) >= min(count, n) // 2
    assert found.tolist() == np.argsort(-logits, kind="stable")[: len(found)].tolist()
    assert len(found) == n or logits[found].min() > np.delete(logits, found).max()


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 5_000),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from([0.1, 1.0, 8.0]),
)
def test_drawing_by_stretches_is_drawing_by_adding_all_up(
    seed: int, n: int, share: float, width: float
) -> None:
    random = np.random.default_rng(seed)
    weights = np.exp(random.normal(0, width, n)).astype(np.float32)
    weights[random.random(n) < 0.3] = 0
    weights[random.integers(n)] = 1
    heights = weights.cumsum(dtype=np.float64)
    drawn = draw(weights, share)
    assert weights[drawn] > 0
    slack = 1e-5 * heights[-1]  # what single precision leaves open
    assert heights[drawn] - weights[drawn] - slack <= share * heights[-1] <= heights[drawn] + slack


def test_where_no_logit_is_a_number_nothing_is_chosen() -> None:
    with pytest.raises(EngineError, match="no numbers"):
        Sampler(options()).choose(np.full(1_000, np.nan, np.float32))


@settings(derandomize=True, max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.floats(0, 1),
    st.sampled_from([{}, {"top_p": 0.9}, {"min_p": 0.01}, {"top_k": 30}, {"temperature": 0}]),
)
def test_under_a_mask_few_and_many_tokens_are_chosen_from_alike(
    seed: int, share: float, given: dict[str, float]
) -> None:
    """As if the vocabulary had no other tokens."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, 1_000).astype(np.float32)
    allowed = random.random(1_000) < share
    allowed[random.integers(1_000)] = True
    tokens = np.flatnonzero(allowed)
    sampling = options(**given)
    among = tokens[largest(logits[tokens], sampling.top_k)] if sampling.top_k else tokens
    possible = set(among[left_of(logits[among], sampling.top_p, sampling.min_p)].tolist())
    sampler = Sampler(sampling)
    chosen = {sampler.choose(logits, allowed) for _ in range(20)}
    assert chosen <= possible
    if sampling.temperature == 0:
        assert chosen == {int(tokens[logits[tokens].argmax()])}


def test_a_mask_is_final() -> None:
    allowed = np.array([False, True, False])
    for sampling in (Sampling(temperature=0), options(), options(top_k=1), options(top_p=0.1)):
        assert Sampler(sampling).choose(row(9, -9, 9), allowed) == 1


def test_the_same_seed_makes_the_same_choices_and_another_seed_others() -> None:
    logits = np.zeros(1_000, np.float32)

    def draw(seed: int | None) -> list[int]:
        sampler = Sampler(options(seed=seed))
        return [sampler.choose(logits) for _ in range(8)]

    assert draw(5) == draw(5)
    assert draw(5) != draw(6)
    assert draw(None) != draw(None)


def test_penalties_push_down_what_was_said_lately() -> None:
    logits = row(2, 2, 2, -2)
    sampling = options(
        repeat_penalty=2.0, frequency_penalty=0.5, presence_penalty=0.25, penalty_last_n=3
    )
    Sampler(sampling).prepare(logits, [0, 1, 1, 3])
    assert logits.tolist() == [2, 2 / 2 - 2 * 0.5 - 0.25, 2, -2 * 2 - 0.5 - 0.25]


def test_a_bias_is_added_and_one_for_no_token_is_ignored() -> None:
    logits = row(0, 0)
    Sampler(options(logit_bias=((1, 5.0), (99, 5.0)))).prepare(logits, [])  # type: ignore[arg-type]
    assert logits.tolist() == [0, 5]


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.5, 0.9, 0.999]), st.sampled_from([5, 400])
)
def test_typical_tokens_are_those_of_the_definition(seed: int, mass: float, count: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, count).astype(np.float32)
    shares = np.exp(logits.astype(np.float64))
    shares /= shares.sum()
    away = np.abs(-np.log(shares) + (shares * np.log(shares)).sum())
    kept, total = [], 0.0
    for token in np.argsort(away, kind="stable"):
        kept.append(int(token))
        total += shares[token]
        if total > mass:
            break
    assert sorted(typical(logits, mass).tolist()) == sorted(kept)


def test_a_typical_choice_is_never_a_token_that_is_out_of_reach() -> None:
    logits = np.full(500, -np.inf, np.float32)
    logits[7], logits[9] = 1.0, 0.0
    sampler = Sampler(Sampling(seed=3, temperature=1, top_k=0, typical_p=0.9))
    assert {sampler.choose(logits) for _ in range(50)} <= {7, 9}
    with pytest.raises(EngineError):
        typical(np.full(5, np.nan, np.float32), 0.5)


def test_typical_sampling_can_leave_out_the_likeliest_token() -> None:
    logits = np.log(np.array([0.4, *[0.6 / 60] * 60], np.float32))
    assert 0 not in typical(logits, 0.3)
    sampler = Sampler(Sampling(seed=3, temperature=1, top_k=0, top_p=1, min_p=0, typical_p=0.3))
    assert 0 not in {sampler.choose(logits) for _ in range(200)}
