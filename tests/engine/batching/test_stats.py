"""Decodes are counted under the smallest bound that holds them."""

from __future__ import annotations

import pytest

from gguf_fc.engine.batching.stats import BATCH_BOUNDS, DecodeStats


@pytest.mark.parametrize(
    ("n_tokens", "bound"),
    [(1, 1), (2, 2), (3, 4), (512, 512), (2048, 2048)],
)
def test_a_decode_is_counted_under_the_bound_that_holds_it(n_tokens: int, bound: int) -> None:
    work = DecodeStats()
    work.note(n_tokens, 0.5)
    assert work.batches[BATCH_BOUNDS.index(bound)] == 1
    assert (sum(work.batches), work.tokens, work.seconds) == (1, n_tokens, 0.5)


def test_a_decode_beyond_every_bound_is_counted_last() -> None:
    work = DecodeStats()
    work.note(BATCH_BOUNDS[-1] + 1, 0.1)
    assert work.batches[-1] == 1
