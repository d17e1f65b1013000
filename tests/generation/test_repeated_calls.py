"""A call that repeats an earlier one ends its turn and is not sent; others stream without delay."""

from __future__ import annotations

import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.events import CallDelta, CallEnd, CallStart, ParseEvent, TextDelta
from gguf_fc.generation.repeated_calls import RepeatedCalls, may_become
from gguf_fc.grammar.schema.known_values import key_of

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
        (("look", '{ "city":"Paris" }'), False),
        (("look", '{"city": "\\u0050aris"}'), False),
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


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": {"x": [1, {"y": "z"}], "v": true}}', '{"a": {"v":true, "x":[1,{"y":"z"}]}}'),
        ('{"a": 1, "ab": "1"}', '{"ab": "\\u0031", "a": 1.0}'),
        ('{"a": "\U0001f600", "b": -1.5e3}', '{"b": -1500, "a": "\\ud83d\\ude00"}'),
        ('{"a": "one\\n\\"two\\"", "b": ""}', '{"b": "", "a": "one\\u000a\\"two\\""}'),
    ],
)
@pytest.mark.parametrize("piece", [1, 2, 5, 100])
def test_order_of_keys_and_spelling_do_not_make_another_call(
    first: str, again: str, piece: int
) -> None:
    repeated = RepeatedCalls()
    calls = events_of(("look", first), ("look", again), piece=piece)
    assert repeated.passed([*calls, TextDelta("more")]) == events_of(("look", first), piece=piece)
    assert (repeated.ended, repeated.count, repeated.finish()) == (True, 1, [])


@pytest.mark.parametrize(
    ("other", "differs_at"),
    [
        ('{"b": 3', 7),  # another value
        ('{"b": 2, "c', 11),  # another key
        ('{"b": 2, "b', 11),  # the same key twice
        ('{"b": 2}', 8),  # a key less
        ('{"b": 2, "a": 1, ', 16),  # a key more
        ('{"b": "', 7),  # another type
        ('{"b": 2.5', 9),
        ('{"b": 2, "a": 10', 16),
    ],
)
def test_a_call_in_another_order_streams_from_the_first_difference_on(
    other: str, differs_at: int
) -> None:
    repeated = RepeatedCalls()
    repeated.passed(events_of(("look", '{"a": 1, "b": 2}')))
    repeated.passed([CallStart(1, "b", "look")])
    held = [not repeated.passed([CallDelta(1, character)]) for character in other]
    assert held.index(False) == differs_at - 1
    assert not any(held[differs_at - 1 :])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda item: st.lists(item, max_size=3) | st.dictionaries(st.text(max_size=3), item),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


def shuffled(value: Any, random: Random) -> Any:
    """*value* with all its keys in another order."""
    match value:
        case dict():
            keys = random.sample(list(value), len(value))
            return {key: shuffled(value[key], random) for key in keys}
        case list():
            return [shuffled(item, random) for item in value]
        case _:
            return value


@settings(max_examples=50)
@given(value=OBJECTS, random=st.randoms(use_true_random=False))
def test_every_beginning_of_an_equal_text_may_become_it(
    value: dict[str, Any], random: Random
) -> None:
    again = json.dumps(
        shuffled(value, random),
        ensure_ascii=random.random() < 0.5,
        indent=random.choice([None, 1]),
    )
    text = json.dumps(value)
    assert all(may_become(again[:end], text) for end in range(len(again) + 1))


@given(value=OBJECTS, other=OBJECTS)
def test_a_text_of_something_else_becomes_another_at_its_end_at_the_latest(
    value: dict[str, Any], other: dict[str, Any]
) -> None:
    same = key_of(value) == key_of(other)
    assert may_become(json.dumps(other), json.dumps(value)) == same


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
