"""What a text is in tokens, and tokens in text.  Evaluates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import Detokenize, Detokenized, Handlers, Tokenize, Tokenized


class Tokenizer(Protocol):
    """The part of a model that knows words."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        """The tokens of *text*; with *frame* also those that the model wants around it."""
        ...


@dataclass(frozen=True, slots=True)
class Tokenization:
    """Answers questions about the tokens of one model."""

    tokenizer: Tokenizer

    @property
    def handlers(self) -> Handlers:
        """Methods that handle the messages meant for the tokenizer."""
        return {Tokenize: self.tokenize, Detokenize: self.detokenize}

    def tokenize(self, asked: Tokenize) -> Tokenized:
        """Text to tokens."""
        tokens = self.tokenizer.tokenize_text(asked.text, frame=asked.frame, special=asked.special)
        pieces = self.tokenizer.vocabulary.pieces
        shown = tuple(_shown(pieces[token]) for token in tokens) if asked.pieces else ()
        return Tokenized(id=asked.id, tokens=tuple(tokens), pieces=shown)

    def detokenize(self, asked: Detokenize) -> Detokenized:
        """Tokens, all of them in the vocabulary, to text; control tokens by their text."""
        pieces = self.tokenizer.vocabulary.pieces
        data = b"".join(pieces[token] for token in asked.tokens)
        return Detokenized(id=asked.id, text=data.decode(errors="replace"))


def _shown(piece: bytes) -> str | tuple[int, ...]:
    """*piece* as text, or as numbers if it is part of a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return tuple(piece)
