"""Texts to tokens and back."""

from __future__ import annotations

from dataclasses import dataclass

from gguf_fc.engine.model import Vocabulary
from gguf_fc.engine.tokenization import Tokenization
from gguf_fc.job import Detokenize, Detokenized, Tokenize, Tokenized
from tests.support.scripted_model import VOCABULARY


@dataclass(frozen=True, slots=True)
class Bytes:
    """A token is a byte; 256 ends a frame."""

    vocabulary: Vocabulary = VOCABULARY

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        assert special
        return [*text.encode(), *([256] if frame else [])]


def test_pieces_are_text_where_they_can_be_and_bytes_where_not() -> None:
    asked = Tokenize(id="a", text="aé", pieces=True)
    tokens = (97, 0xC3, 0xA9)
    assert Tokenization(Bytes()).tokenize(asked) == Tokenized(
        id="a", tokens=tokens, pieces=("a", (0xC3,), (0xA9,))
    )


def test_pieces_are_told_only_when_asked_for_and_a_frame_is_the_models() -> None:
    asked = Tokenize(id="a", text="a", frame=True)
    assert Tokenization(Bytes()).tokenize(asked) == Tokenized(id="a", tokens=(97, 256))


def test_tokens_are_joined_before_they_become_text() -> None:
    asked = Detokenize(id="a", tokens=(97, 0xC3, 0xA9, 0xFF, 256))
    assert Tokenization(Bytes()).detokenize(asked) == Detokenized(id="a", text="aé\ufffd<end>")
