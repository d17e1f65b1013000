"""Stop strings: found at every split, nothing lost, nothing of them shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.output.stop_strings import StopFilter

CASES = [
    # text, stops, released
    ("hello", (), "hello"),
    ("hello", ("xyz",), "hello"),
    ("hello STOP more", ("STOP",), "hello "),
    ("ends with STO", ("STOP",), "ends with STO"),
    ("ababac", ("abac",), "ab"),
    ("one\n\ntwo", ("\n\n", "two"), "one"),
    ("aab", ("ab", "aab"), ""),
    ("STOP", ("STOP",), ""),
]


def release(pieces: list[str], stops: tuple[str, ...]) -> str:
    text = StopFilter(stops)
    return "".join(map(text.feed, pieces)) + text.finish()


@pytest.mark.parametrize(("text", "stops", "released"), CASES)
def test_chunking_never_changes_the_result(
    text: str, stops: tuple[str, ...], released: str
) -> None:
    assert release([text], stops) == released
    assert release(list(text), stops) == released
    for cut in range(len(text)):
        assert release([text[:cut], text[cut:]], stops) == released


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.text("ab", max_size=4)), st.lists(st.text("ab", min_size=1, max_size=3)))
def test_a_text_is_released_up_to_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    text = "".join(pieces)
    ends = [at for at in map(text.find, stops) if at >= 0]
    found = StopFilter(tuple(stops))
    released = "".join(map(found.feed, pieces))
    assert found.stopped == bool(ends)
    assert (found.hit in stops) == bool(ends)
    if ends:  # in pieces, the stop that is complete first wins over one that begins before it
        assert text.startswith(released)
        assert not any(stop in released for stop in stops)
    else:
        assert released + found.finish() == text


@pytest.mark.parametrize(
    ("text", "stops", "hit"),
    [
        ("a END b STOP", ("STOP", "END"), "END"),
        ("aab", ("ab", "aab"), "aab"),
        ("one\n\n", ("\n\n", "\n"), "\n"),
        ("nothing", ("STOP",), None),
    ],
)
def test_the_stop_string_that_stands_first_is_the_one_that_hit(
    text: str, stops: tuple[str, ...], hit: str | None
) -> None:
    found = StopFilter(stops)
    found.feed(text)
    assert found.hit == hit


def test_text_that_cannot_become_a_stop_is_not_held_back() -> None:
    text = StopFilter(("</end>",))
    assert text.feed("a < b") == "a < b"
    assert text.feed(" </e") == " "
    assert text.feed("x") == "</ex"
