"""Pieces of characters: what may follow what."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.constrain.utf8 import Utf8Tokens, unfinished


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        (b"", b""),
        (b"a", b""),
        ("aé".encode(), b""),
        (b"a\xc3", b"\xc3"),
        ("😀".encode()[:3], "😀".encode()[:3]),
        (b"\xc3a", None),
        (b"\x80", None),
        (b"\xff", None),
        (b"\xe0\x80", None),
        (b"\xed\xa0", None),
        (b"\xf4\x90", None),
    ],
)
def test_the_unfinished_end_is_found(data: bytes, rest: bytes | None) -> None:
    assert unfinished(data) == rest


@settings(max_examples=50, derandomize=True)
@given(st.text(), st.integers(0, 3))
def test_every_text_can_be_cut_anywhere(text: str, cut: int) -> None:
    data = text.encode()
    rest = unfinished(data[: max(0, len(data) - cut)])
    assert rest is not None
    assert unfinished(rest + data[max(0, len(data) - cut) :]) == b""


def test_tokens_are_allowed_after_what_they_continue() -> None:
    pieces = [b"a", b"\xc3", b"\xa9", b"\xa9x", b"\xa9\xa9", b"", b"\xff"]
    tokens = Utf8Tokens(pieces)
    assert np.flatnonzero(tokens.after(b"")).tolist() == [0, 1, 5]
    assert np.flatnonzero(tokens.after(b"\xc3")).tolist() == [2, 3]
    assert np.flatnonzero(tokens.after(b"\xe2\x82")).tolist() == [2, 3]
