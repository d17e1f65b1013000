"""Multiples of a number: exact, also within a range."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Builder, Grammar
from gguf_fc.grammar.values.multiples import multiple_range
from gguf_fc.grammar.values.number_ranges import Bound
from tests.support.lexing import LlguidanceGrammar

STEPS = st.sampled_from(["1", "2", "3", "7", "12", "100", "0.01", "0.5", "2.5", "0.75", "1e-3"])
DECIMALS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-3_000, 3_000),
    st.integers(0, 3),
)
BOUNDS = st.one_of(st.none(), st.builds(Bound, DECIMALS, st.booleans()))


def multiples(
    step: str, least: Bound | None = None, most: Bound | None = None, *, integer: bool = False
) -> Grammar:
    builder = Builder()
    node = multiple_range(Decimal(step), least, most, integer=integer, builder=builder)
    assert node is not None
    return Grammar(builder.build(node))


def matches(grammar: Grammar, text: str) -> bool:
    try:
        return grammar.matches(text)
    except GrammarError:
        return False  # no multiple is in the range


@settings(max_examples=150, derandomize=True, deadline=None)
@given(STEPS, BOUNDS, BOUNDS, st.sampled_from([True, False]), DECIMALS, st.integers(-40, 40))
def test_a_number_matches_exactly_if_it_is_a_multiple_in_the_range(
    step: str,
    least: Bound | None,
    most: Bound | None,
    integer: bool,  # noqa: FBT001  drawn
    other: Decimal,
    times: int,
) -> None:
    grammar = multiples(step, least, most, integer=integer)
    unit = Decimal(step)
    near = [bound.value // unit * unit + unit for bound in (least, most) if bound is not None]
    for value in [other, unit * times, Decimal(0), *near]:
        inside = value % unit == 0 and _within(value, least, most)
        plain = f"{value:f}"
        if not (value.is_zero() and value.is_signed()):
            whole = "." not in plain or not integer
            assert matches(grammar, plain) == (inside and whole), plain
            padded = plain + ("0" if "." in plain else ".0")
            assert matches(grammar, padded) == (inside and not integer), padded
    for text in ("", "-", "-0", "00", "01", "1.", "1e3", ".5"):
        assert not matches(grammar, text)


def _within(value: Decimal, least: Bound | None, most: Bound | None) -> bool:
    above = least is None or value > least.value or (least.inclusive and value == least.value)
    below = most is None or value < most.value or (most.inclusive and value == most.value)
    return above and below


@pytest.mark.parametrize("step", ["7", "0.25", "0.01", "1000"])
def test_both_prints_agree(step: str) -> None:
    grammar = multiples(step, Bound(Decimal(-50)), Bound(Decimal(3_000)))
    theirs = LlguidanceGrammar(grammar.llguidance())
    for value in range(-60, 3_200, 7):
        for text in (str(value), f"{value}.25", f"{value}.50"):
            assert theirs.matches(text) == grammar.matches(text), text


def test_the_last_digits_decide_where_they_can() -> None:
    assert len(multiples("1000").gbnf.splitlines()) < 10


@pytest.mark.parametrize("step", ["997", "123456.7", "0.123456789", "9600"])
def test_a_divisor_too_large_for_an_automaton_is_refused(step: str) -> None:
    found = multiple_range(Decimal(step), None, None, integer=False, builder=Builder())
    assert found is None
