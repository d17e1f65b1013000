"""Bytes become text without half characters."""

from __future__ import annotations

import pytest

from gguf_fc.engine.output.detokenizer import Detokenizer


@pytest.mark.parametrize("text", ["plain", "grüße", "日本語", "🦙 llama", ""])
def test_text_survives_in_single_bytes_and_no_piece_is_half_a_character(text: str) -> None:
    detokenizer = Detokenizer()
    pieces = [detokenizer.feed(bytes([byte])) for byte in text.encode()]
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece for piece in pieces)
    assert detokenizer.finish() == ""


def test_a_character_that_is_cut_off_is_shown_as_replaced_at_the_end() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed("é".encode()[:1]) == ""
    assert detokenizer.finish() == "\ufffd"


def test_bytes_that_are_no_text_do_not_hold_up_what_follows() -> None:
    assert Detokenizer().feed(b"a\xffb") == "a\ufffdb"
