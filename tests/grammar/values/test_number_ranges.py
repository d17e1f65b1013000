"""Ranges of numbers: exact to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.errors import GrammarError
from gguf_fc.grammar import Builder, Grammar, Node
from gguf_fc.grammar.values.json_text import JsonText
from gguf_fc.grammar.values.number_ranges import Bound, integer_range, number_range

SETTINGS = settings(max_examples=300, derandomize=True, deadline=None)

INTEGERS = st.one_of(st.integers(-30, 30), st.integers(-2_000, 2_000))
DECIMALS = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-3_000, 3_000),
    st.integers(0, 4),
)
BOUNDS = st.one_of(st.none(), st.builds(Bound, DECIMALS, st.booleans()))


def matches(node: Node, text: str) -> bool:
    try:
        return Grammar(Builder().build(node)).matches(text)
    except GrammarError:
        return False  # an empty range


def around(limit: int | None) -> list[int]:
    return [] if limit is None else [limit + step for step in (-10, -1, 0, 1, 10)]


@SETTINGS
@given(st.one_of(st.none(), INTEGERS), st.one_of(st.none(), INTEGERS), INTEGERS)
def test_an_integer_matches_exactly_within_its_range(
    least: int | None, most: int | None, other: int
) -> None:
    node = integer_range(least, most)
    for value in [other, 0, *around(least), *around(most)]:
        inside = (least is None or value >= least) and (most is None or value <= most)
        assert matches(node, str(value)) == inside
    for text in ("", "-", "-0", "00", "01", "1.0", "1e3"):
        assert not matches(node, text)


@SETTINGS
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 10**6))
def test_every_number_of_64_bits_can_be_written_but_no_exponent_beyond_them(
    number: float, more: int
) -> None:
    builder = Builder()
    free = Grammar(builder.build(JsonText(builder, None).number))
    positive = Grammar(Builder().build(number_range(Bound(Decimal(0)), None)))
    for text in (json.dumps(number), f"{number:.17e}", f"{number:.3E}"):
        assert free.matches(text), text
        assert positive.matches(text.lstrip("-")), text
    for exponent in (308 + more, -324 - more):
        assert not free.matches(f"{number:.3e}".partition("e")[0] + f"e{exponent}")
        assert not positive.matches(f"1e{exponent}")


@SETTINGS
@given(BOUNDS, BOUNDS, DECIMALS, st.sampled_from(["1", "-1", "0.001", "-0.00001", "0"]))
def test_a_number_matches_exactly_within_its_range(
    least: Bound | None, most: Bound | None, other: Decimal, step: str
) -> None:
    node = number_range(least, most)
    values = [other, *(bound.value + Decimal(step) for bound in (least, most) if bound)]
    for value in values:
        if value.is_zero() and value.is_signed():
            continue
        inside = _above(value, least) and _above(
            -value, most and Bound(-most.value, most.inclusive)
        )
        for text in {f"{value:f}", _padded(value), f"{value.normalize():f}"}:
            assert matches(node, text) == inside, text
    for text in ("", "-", ".5", "1.", "00", "01.5"):
        assert not matches(node, text)


def _above(value: Decimal, least: Bound | None) -> bool:
    if least is None:
        return True
    return value > least.value or (least.inclusive and value == least.value)


def _padded(value: Decimal) -> str:
    text = f"{value:f}"
    return text + "0" if "." in text else text + ".0"
