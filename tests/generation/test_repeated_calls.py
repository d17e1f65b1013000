"""A call that repeats an earlier one ends its turn and is not sent; others stream without delay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent, TextDelta
from gguf_fc.generation.repeated_calls import RepeatedCalls

Call = tuple[str, str]  # name and arguments
PARIS: Call = ("look", '{"city": "Paris"}')
LYON: Call = ("look", '{"city": "Lyon"}')


def events_of(*calls: Call, piece: int = 3) -> list[ParseEvent]:
    """The events of *calls*, their arguments in pieces of that length."""
    found: list[ParseEvent] = []
    for index, (name, arguments) in enumerate(calls):
        edges = [*range(0, len(arguments), piece), len(arguments)]
        pieces = (arguments[a:b] for a, b in pairwise(edges))
        deltas = (CallDelta(index, text) for text in pieces)
        found += [CallStart(index, f"call_{index}", name), *deltas, CallEnd(index)]
    return found


@pytest.mark.parametrize(
    ("again", "whole"),
    [
        (PARIS, False),
        (PARIS, True),
        (("look", '{ "city":"Paris" }'), True),
        (("look", '{"city": "\\u0050aris"}'), True),
    ],
)
def test_the_same_call_again_ends_the_turn_and_is_not_sent(again: Call, whole: bool) -> None:  # noqa: FBT001
    repeated = RepeatedCalls(whole)
    sent = repeated.passed([*events_of(PARIS, LYON, again, LYON), TextDelta("and so on")])
    assert sent == events_of(PARIS, LYON)
    assert (repeated.ended, repeated.count, repeated.finish()) == (True, 1, [])


@pytest.mark.parametrize(
    "other",
    [
        ("look", '{"city": "Paris", "days": 1}'),
        ("look", '{"city": "Pari"}'),
        ("look", "{}"),
        ("see", '{"city": "Paris"}'),
        ("look", '{"city": "paris"}'),
        ("look", '{"city": true}'),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_every_other_call_is_sent(other: Call, whole: bool) -> None:  # noqa: FBT001
    repeated = RepeatedCalls(whole)
    calls = events_of(PARIS, other, TRUE_IS_NOT_ONE)
    assert [*repeated.passed(calls), *repeated.finish()] == calls
    assert not repeated.ended


TRUE_IS_NOT_ONE: Call = ("look", '{"city": 1}')


def test_a_call_streams_from_its_first_difference_on() -> None:
    repeated = RepeatedCalls()
    repeated.passed(events_of(PARIS))
    begun: list[ParseEvent] = [CallStart(1, "b", "look"), CallDelta(1, '{"city"')]
    assert [repeated.passed([event]) for event in begun] == [[], []]
    assert repeated.passed([CallDelta(1, ': "Pr')]) == [*begun, CallDelta(1, ': "Pr')]
    assert repeated.passed([CallDelta(1, "ague")]) == [CallDelta(1, "ague")]


def test_a_call_of_another_tool_is_not_held_back() -> None:
    repeated = RepeatedCalls()
    repeated.passed(events_of(PARIS))
    begun: list[ParseEvent] = [CallStart(1, "b", "see"), CallDelta(1, '{"city"')]
    assert [repeated.passed([event]) for event in begun] == [[event] for event in begun]


def test_a_repetition_that_was_sent_since_it_is_spelled_otherwise_ends_the_turn() -> None:
    repeated = RepeatedCalls()
    calls = events_of(("look", '{"a": 1, "b": 2}'), ("look", '{"b": 2, "a": 1}'))
    assert repeated.passed([*calls, TextDelta("more")]) == calls
    assert (repeated.ended, repeated.count) == (True, 0)


def test_a_call_that_is_cut_off_while_it_is_held_back_comes_at_the_end() -> None:
    repeated = RepeatedCalls()
    begun: list[ParseEvent] = [CallStart(1, "b", "look"), CallDelta(1, '{"city": "Par')]
    assert repeated.passed([*events_of(PARIS), *begun]) == events_of(PARIS)
    assert repeated.finish() == begun
    assert not repeated.ended


def test_arguments_that_are_no_json_are_compared_as_text() -> None:
    repeated = RepeatedCalls()
    calls = events_of(("look", "{'a"), ("look", "{'b"), ("look", "{'a"))
    assert repeated.passed(calls) == events_of(("look", "{'a"), ("look", "{'b"))
    assert repeated.ended


@given(
    calls=st.lists(st.tuples(st.sampled_from("fg"), st.sampled_from(["{}", "{1}", "{12}", "{2}"]))),
    piece=st.integers(1, 5),
    whole=st.booleans(),
)
def test_what_is_sent_are_the_calls_up_to_the_first_repetition(
    calls: list[Call],
    piece: int,
    whole: bool,  # noqa: FBT001
) -> None:
    fresh = next((n for n, call in enumerate(calls) if call in calls[:n]), len(calls))
    repeated = RepeatedCalls(whole)
    sent = [*repeated.passed(events_of(*calls, piece=piece)), *repeated.finish()]
    assert sent == events_of(*calls[:fresh], piece=piece)
    assert repeated.ended == (fresh < len(calls))
