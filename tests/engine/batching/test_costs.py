"""Prices of steps: read between what was timed, and what is planned by them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.batching.costs import NO_TILE, Costs, KernelTile
from gguf_fc.engine.llama.measure_costs import measure
from gguf_fc.engine.model import Feed, Logits
from tests.support.engine import Run
from tests.support.scripted_model import ScriptedModel, saying

DEAR = (1.0, 3.0, 4.0, 5.0)  # small batches are dear, eight tokens are not
HEAD = 0.35


def test_prices_between_sizes_lie_on_a_line_and_beyond_them_on_the_last() -> None:
    costs = Costs(DEAR)
    assert [costs.step(n, n) for n in (0, 1, 2, 3, 4, 6, 8)] == [0, 1, 3, 3.5, 4, 4.5, 5]
    assert costs.step(16, 16) == pytest.approx(7)


def test_prices_may_be_known_of_any_sizes() -> None:
    costs = Costs({1: 1.0, 8: 5.0, 12: 6.0, 2: 3.0})
    assert [costs.step(n, n) for n in (1, 2, 5, 8, 10, 12)] == pytest.approx([1, 3, 4, 5, 5.5, 6])
    assert costs.step(20, 20) == pytest.approx(8)


def test_rows_have_a_price_of_their_own() -> None:
    costs = Costs(DEAR, HEAD)
    assert costs.step(1, 0) == pytest.approx(0.65)
    assert costs.step(8, 1) == pytest.approx(0.65 * 5 + 0.35)
    assert costs.step(8, 8) == pytest.approx(5)


def test_tokens_that_are_left_over_cost_as_much_each() -> None:
    costs = Costs(DEAR, tile=KernelTile(4, 0.8))
    assert [costs.step(n, n) for n in (3, 4, 5, 7, 8)] == pytest.approx([3.5, 4, 4.8, 6.4, 5])
    assert [costs.step(n, n) for n in (16, 17, 20)] == pytest.approx([7, 7.8, 8])


def test_more_tokens_are_evaluated_only_where_they_cost_less() -> None:
    costs = Costs(DEAR, tile=KernelTile(4, 0.4))
    assert [costs.padded(n) for n in (0, 1, 3, 4, 5, 6, 7, 8)] == [0, 1, 3, 4, 5, 6, 8, 8]
    assert [Costs(DEAR).padded(n) for n in (1, 5, 7)] == [1, 5, 7]


@given(st.sampled_from((1, 4, 8)), st.integers(0, 40), st.integers(0, 40))
def test_a_batch_is_rounded_to_whole_tiles(size: int, n_tokens: int, n_more: int) -> None:
    costs = Costs(tile=KernelTile(size, 1.0))
    added = costs.rounded_extra(n_tokens, n_more)
    if not n_more:
        assert added == 0
        return
    total = n_tokens + added
    assert total % size == 0 or total <= size
    assert n_more / 2 <= added < n_more + size
    assert costs.round_down(total) == total


def test_streams_take_turns_where_that_takes_less_time() -> None:
    costs = Costs(DEAR, tile=KernelTile(4, 1.0))
    assert [costs.streams_per_step(n) for n in (1, 2, 3, 4, 5, 8)] == [1, 1, 1, 4, 5, 8]
    assert [Costs().streams_per_step(n) for n in (1, 2, 5)] == [1, 2, 5]


def test_tokens_go_one_by_one_where_small_batches_are_dear() -> None:
    costs = Costs(DEAR, HEAD)
    assert [costs.first_part(n) for n in (1, 2, 3, 8, 100)] == [1, 1, 1, 8, 100]
    assert Costs().first_part(5) == 5


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=4), st.floats(0, 0.9), st.integers(1, 20))
def test_the_best_parts_are_never_dearer_than_one_batch(
    rises: list[float], head: float, n: int
) -> None:
    curve = [1.0]
    for rise in rises:
        curve.append(curve[-1] + rise)
    costs = Costs(curve, head)
    assert costs.in_parts(n) <= costs.step(n, 1) + 1e-9
    first = costs.first_part(n)
    parts = costs.step(first, 0) + costs.in_parts(n - first) if first < n else costs.step(n, 1)
    assert costs.in_parts(n) == pytest.approx(parts)


class Paced(ScriptedModel):
    """A model whose steps take the time that *costs* says."""

    now = 0.0
    pace = Costs(DEAR, HEAD)

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        (feed,) = feeds
        self.now += 0.01 * self.pace.step(len(feed.tokens), feed.n_rows)
        return super().decode(feeds)


def test_what_is_measured_is_what_a_model_takes() -> None:
    model = Paced(saying("x"))
    measured = measure(model, lambda: model.now)
    for n_tokens, n_rows in ((1, 1), (2, 1), (4, 4), (6, 1), (8, 0)):
        expected = model.pace.step(n_tokens, n_rows)
        assert measured.step(n_tokens, n_rows) == pytest.approx(expected, rel=0.02)
    assert all(not slot for slot in model.slots)


@pytest.mark.parametrize("tile", [NO_TILE, KernelTile(4, 0.9)])
def test_tiles_are_noticed(tile: KernelTile) -> None:
    model = Paced(saying("x"))
    model.pace = Costs((1.0, 2.7, 3.4, 4.0, 6.0), tile=tile)
    measured = measure(model, lambda: model.now)
    for n_tokens in (5, 8, 11, 12, 16, 21, 24):
        expected = model.pace.step(n_tokens, n_tokens)
        assert measured.step(n_tokens, n_tokens) == pytest.approx(expected)


class Disturbed(Paced):
    """The steps of four tokens are all disturbed."""

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        self.now += 0.03 * (len(feeds[0].tokens) == 4)
        return super().decode(feeds)


def test_a_size_that_was_disturbed_does_not_hide_what_larger_ones_cost() -> None:
    model = Disturbed(saying("x"))
    model.pace = Costs((1.0, 2.7, 3.4, 4.0, 6.0), tile=KernelTile(4, 1.0))
    measured = measure(model, lambda: model.now)
    assert [measured.step(n, n) for n in (4, 8, 12, 16)] == pytest.approx([4.0, 4.0, 5.0, 6.0])
    assert measured.round_down(15) == 12


class Cold(Paced):
    """The first step reads the weights from a disk."""

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        self.now += 0.6 * (not self.batches)
        return super().decode(feeds)


def test_a_first_step_that_reads_the_weights_is_not_what_a_token_costs() -> None:
    model = Cold(saying("x"))
    measured = measure(model, lambda: model.now)
    assert measured.step(4, 4) == pytest.approx(model.pace.step(4, 4))


class Uneven(Paced):
    """A machine that is twice as slow for a while, and again later on."""

    def decode(self, feeds: Sequence[Feed]) -> list[list[Logits]]:
        slow = len(self.batches) in {1, 2, 3, 12, 13, 14, 15}
        before = self.now
        rows = super().decode(feeds)
        self.now += slow * (self.now - before)
        return rows


def test_a_machine_that_is_slow_for_a_while_is_measured_as_if_it_were_not() -> None:
    model = Uneven(saying("x"))
    model.pace = Costs((1.0, 2.7, 3.4, 4.0, 6.0), HEAD, KernelTile(4, 0.9))
    measured = measure(model, lambda: model.now)
    for n_tokens, n_rows in ((1, 1), (2, 2), (5, 5), (8, 1), (12, 12), (16, 16)):
        expected = model.pace.step(n_tokens, n_rows)
        assert measured.step(n_tokens, n_rows) == pytest.approx(expected)


class Eights(Costs):
    """Eight tokens go together, any others one by one."""

    def step(self, n_tokens: int, n_rows: int) -> float:
        return super().step(n_tokens - n_tokens % 8, n_rows) + n_tokens % 8


def test_larger_tiles_are_not_taken_for_smaller_ones() -> None:
    model = Paced(saying("x"))
    model.pace = Eights((1.0, 2.7, 3.4, 4.0, 6.0))
    assert measure(model, lambda: model.now).round_down(13) == 13


def test_a_slow_model_is_timed_less_and_one_without_time_not_at_all() -> None:
    slow = Paced(saying("x"))
    slow.pace = Costs([100.0, 120.0], 0.0)
    measure(slow, lambda: slow.now)
    assert max(len(feed.tokens) for batch in slow.batches for feed in batch) == 2
    timeless = measure(ScriptedModel(saying("x")), lambda: 0.0)
    assert timeless.step(2, 1) == Costs().step(2, 1)


def test_forced_tokens_are_evaluated_in_the_cheapest_parts() -> None:
    """The text is the same; the steps are not."""
    said = {}
    for curve in ((1.0, 1.1), DEAR):
        model = ScriptedModel(saying("hello"), costs=Costs(curve, HEAD))
        run = Run(model)
        run.job("0|")
        run.step()
        sequence = run.engine.scheduler.running[0]
        sequence.tokens += list(b"el")
        start = len(model.batches)
        run.finish()
        said[curve] = [len(feeds[0].tokens) for feeds in model.batches[start:]][:3]
    assert said == {(1.0, 1.1): [3, 1, 1], DEAR: [1, 1, 1]}
