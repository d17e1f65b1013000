"""Looking up how a text went on: the longest agreement, then the latest place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.speculate.prompt_lookup import LONGEST, MOST_PLACES, LookupMatch, PromptLookup

letters = st.lists(st.integers(0, 3), min_size=1, max_size=40)


def by_hand(tokens: list[int], tail: list[int]) -> LookupMatch | None:
    """What ``find`` should find, by comparing every place."""
    best = None
    places = [at for at in range(len(tokens) - 1) if tokens[at] == tail[-1]]
    for at in places[-MOST_PLACES:]:
        n = 0
        while n < min(LONGEST, at + 1, len(tail)) and tokens[at - n] == tail[-1 - n]:
            n += 1
        if best is None or n >= best.n_common:
            best = LookupMatch(tokens[at + 1], n)
    return best


@settings(derandomize=True, max_examples=300, deadline=None)
@given(letters, letters, letters)
def test_a_lookup_finds_what_comparing_every_place_finds(
    first: list[int], more: list[int], tail: list[int]
) -> None:
    tokens = list(first)
    lookup = PromptLookup(tokens)
    assert lookup.find(tail) == by_hand(tokens, tail)
    tokens += more
    assert lookup.find(tail) == by_hand(tokens, tail)


def test_the_end_of_the_text_itself_is_no_place() -> None:
    assert PromptLookup([1, 2, 3]).find([2, 3]) is None
    assert PromptLookup([3]).find([3]) is None
    assert PromptLookup([]).find([3]) is None
