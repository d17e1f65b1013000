"""The reader of one JSON value, against Python's own."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.dialect.read.values import ValueReader

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def state_after(text: str) -> str:
    reader = ValueReader()
    taken = sum(reader.feed(character) for character in text)
    if reader.state == "open":
        reader.finish()
    return "done" if reader.state == "done" and taken == len(text) else "broken"


@settings(derandomize=True, max_examples=100, deadline=None)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_python_writes_is_a_value(value: object, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001
    assert state_after(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == "done"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]",:\\u0a1e-+.tf nul \n', max_size=10))
def test_python_and_the_reader_agree_on_any_text(text: str) -> None:
    try:
        json.loads(text)
        expected = "done"
    except ValueError:
        expected = "broken"
    assert state_after(text.rstrip()) == expected


@pytest.mark.parametrize(
    "text",
    [
        *('{"a" 1}', "[1,]", '{"a": 1,}', "[1 2]", "{1: 2}", "]", "{]", "[}"),
        *("01", "1.", "-", "truth", "nul"),
        *('"\\x"', '"\\u12g4"', '"a\nb"'),
    ],
)
def test_what_is_no_json_breaks(text: str) -> None:
    assert state_after(text) == "broken"


def test_nothing_behind_the_value_is_taken() -> None:
    reader = ValueReader()
    assert reader.feed('{"a": [1, 2]} and more') == len('{"a": [1, 2]}')
    reader = ValueReader()
    assert reader.feed("12,") == 2
    assert reader.state == "done"
