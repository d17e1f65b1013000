"""Kinds of guesses: which are counted together, and what is thought of them at first."""

from __future__ import annotations

import pytest

from gguf_fc.engine.speculate.guesses import (
    FORCED,
    SPELLING,
    STEPS,
    Guess,
    GuessKind,
    closing,
    copied,
)

PLACES = [
    # agreed, ahead, where
    (b"bud", b"get", "in a word"),
    (b"anna", b".paris", "at the end of a word"),
    (b"anna.", b"paris", "after a joint"),
    (b" ", b"of", "after a joint"),
    (b' "', b"bud", "at an opening"),
    (b"city=", b"Paris", "at an opening"),
    (b"paris@example.org", b" about", "after one word"),
    (b" ris", b" about", "between words"),
    (b'"budget', b" of", "between words"),
    (b"new opening", b" ", "between words"),
]


@pytest.mark.parametrize(("agreed", "ahead", "where"), PLACES)
def test_a_copy_is_counted_by_where_it_stands(agreed: bytes, ahead: bytes, where: str) -> None:
    kind = GuessKind("copy", where, 2, is_held=True)  # type: ignore[arg-type]
    assert copied("copy", agreed, ahead, 2, is_held=True) == kind


@pytest.mark.parametrize(("n", "step"), [(1, 1), (3, 3), (4, 4), (7, 4), (8, 8), (16, 8)])
def test_long_agreements_are_counted_together(n: int, step: int) -> None:
    assert copied("copy", b"bud", b"get", n, is_held=False).n_common == step


def test_an_end_is_counted_by_what_the_copy_says_instead() -> None:
    def instead_of(agreed: bytes, ahead: bytes, *, can_go_on: bool) -> GuessKind:
        kind = copied("copy", agreed, ahead, 1, is_held=True)
        return closing(Guess(0, kind), can_go_on=can_go_on)

    assert closing(None, can_go_on=False) == GuessKind("closing")
    assert instead_of(b"year", b'".', can_go_on=False).where == "where the copy cannot go on"
    assert instead_of(b"year", b".", can_go_on=True).where == "against the copy"
    assert instead_of(b"example.org", b" about", can_go_on=True).where == "after one word"
    assert instead_of(b"next year", b" about", can_go_on=True).where == "between words"


def test_every_kind_has_a_first_rate_and_agreement_never_lowers_it() -> None:
    places = [(agreed, ahead) for agreed, ahead, _ in PLACES]
    for source in ("copy", "prediction"):
        for is_held in (False, True):
            for agreed, ahead in places:
                kinds = [copied(source, agreed, ahead, n, is_held=is_held) for n in STEPS]
                rates = [kind.first_rate for kind in kinds]
                assert rates == sorted(rates)
                assert 0 < rates[0] <= rates[-1] < 1
                assert 0 < closing(Guess(0, kinds[0]), can_go_on=True).first_rate < 1
                assert 0 < closing(Guess(0, kinds[0]), can_go_on=False).first_rate < 1
    assert SPELLING.first_rate < FORCED.first_rate == 1


def test_in_a_value_a_copy_is_likelier_than_in_free_text() -> None:
    for agreed, ahead, _ in PLACES:
        held, free = (
            copied("copy", agreed, ahead, 4, is_held=is_held).first_rate
            for is_held in (True, False)
        )
        assert held >= free
