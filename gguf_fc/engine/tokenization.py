"""Tokenizing and detokenizing for clients that ask for it.  Evaluates nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gguf_fc.engine.long_texts import Rest, refuse_too_long
from gguf_fc.engine.model import Vocabulary
from gguf_fc.job import Detokenize, Detokenized, Handlers, Tokenize, Tokenized


class Tokenizer(Protocol):
    """Part of a model that tokenizes."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        """Tokens of *text*; with *frame* also those that the model wants around it."""
        ...


@dataclass(frozen=True, slots=True)
class Tokenization:
    """Answers questions about the tokens of one model."""

    tokenizer: Tokenizer

    @property
    def handlers(self) -> Handlers:
        """Methods that handle the messages meant for the tokenizer."""
        return {Tokenize: self.tokenize, Detokenize: self.detokenize}

    def tokenize_long(self, asked: Tokenize) -> Rest:
        """Tokens of a long text, in any thread.  Raises BodyTooLarge."""
        refuse_too_long(asked)
        answer = self.tokenize(asked)
        return lambda: answer

    def detokenize_long(self, asked: Detokenize) -> Rest:
        """Text of many tokens, in any thread.  Raises BodyTooLarge."""
        refuse_too_long(asked)
        answer = self.detokenize(asked)
        return lambda: answer

    def tokenize(self, asked: Tokenize) -> Tokenized:
        """Tokens of a text, and the text of each if asked for."""
        tokens = self.tokenizer.tokenize_text(asked.text, frame=asked.frame, special=asked.special)
        pieces = self.tokenizer.vocabulary.pieces
        shown = tuple(_shown(pieces[token]) for token in tokens) if asked.pieces else ()
        return Tokenized(id=asked.id, tokens=tuple(tokens), pieces=shown)

    def detokenize(self, asked: Detokenize) -> Detokenized:
        """Text of tokens, all of which are in the vocabulary; control tokens by their text."""
        pieces = self.tokenizer.vocabulary.pieces
        data = b"".join(pieces[token] for token in asked.tokens)
        return Detokenized(id=asked.id, text=data.decode(errors="replace"))


def _shown(piece: bytes) -> str | tuple[int, ...]:
    """*piece* as text, or as numbers if it is part of a character."""
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return tuple(piece)
