"""Choosing where the grammar refuses what was sampled: found one by one or by the mask, alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gguf_fc.engine.chooser import choose
from gguf_fc.engine.constrain.constraint import PATIENCE, Constraint, search
from gguf_fc.engine.model import Logits
from gguf_fc.engine.sample.sampler import Sampler
from gguf_fc.job import Sampling

N = 3_000


@dataclass(slots=True, eq=False)
class Only:
    """Allows the same tokens always, and counts masks."""

    allowed: NDArray[np.bool_]
    searches: bool = True
    n_masks: int = field(default=0, init=False)

    def allows(self, token: int) -> bool:
        return bool(self.allowed[token])

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        return search(self.allows, tokens, count) if self.searches else None

    def mask(self) -> NDArray[np.bool_]:
        self.n_masks += 1
        return self.allowed


def choose_by(sampler: Sampler, only: Only, logits: Logits) -> int:
    return choose(sampler, cast("Constraint", only), logits)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.001, 0.1, 0.5, 0.99]), st.sampled_from([3, 9999]))
def test_the_largest_allowed_logit_is_greedy_s_choice_however_it_is_found(
    seed: int, share: float, n_values: int
) -> None:
    random = np.random.default_rng(seed)
    logits = random.integers(0, n_values, N).astype(np.float32)
    allowed = random.random(N) < share
    allowed[random.integers(N)] = True
    sampler = Sampler(Sampling(temperature=0))
    expected = int(np.where(allowed, logits, -1).argmax())
    assert choose_by(sampler, Only(allowed), logits) == expected
    assert choose_by(sampler, Only(allowed, searches=False), logits) == expected


def test_a_refused_choice_is_made_again_with_the_same_chances_however_it_is_found() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 1, N).astype(np.float32)
    allowed = random.random(N) < 0.5
    allowed[logits.argsort()[-12:]] = False
    shares = []
    for searches in (True, False):
        only = Only(allowed, searches=searches)
        sampler = Sampler(Sampling(seed=2, temperature=1, top_k=12, top_p=0.9, min_p=0))
        chosen = [choose_by(sampler, only, logits) for _ in range(4_000)]
        assert (only.n_masks == 0) == searches
        shares.append(np.bincount(chosen, minlength=N) / len(chosen))
    likely = np.flatnonzero(shares[0] + shares[1])
    left = np.flatnonzero(allowed)
    assert set(likely.tolist()) < set(left[logits[left].argsort()[-12:]].tolist())
    assert shares[0] == pytest.approx(shares[1], abs=0.03)
    values = np.exp(logits[likely])
    assert shares[0][likely] == pytest.approx(values / values.sum(), abs=0.02)


def test_what_is_allowed_is_taken_at_once() -> None:
    only = Only(np.ones(N, np.bool_))
    assert (
        choose_by(Sampler(Sampling(temperature=0)), only, np.arange(N, dtype=np.float32)) == N - 1
    )
    assert only.n_masks == 0


def test_rare_tokens_are_not_looked_for_one_by_one() -> None:
    tested = []

    def never(token: int) -> bool:
        tested.append(token)
        return False

    assert search(never, range(N), 1) is None
    assert len(tested) == PATIENCE


def test_a_search_ends_with_what_it_was_for() -> None:
    assert search(lambda token: token % 3 == 0, range(100), 4) == [0, 3, 6, 9]
    assert search(lambda token: token % 3 == 0, range(10), 5) is None
