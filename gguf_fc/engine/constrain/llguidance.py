"""Constrained decoding by llguidance, to which this is the one door.

``Grammars`` compiles a grammar's text once and hands out a ``Constraint`` per job.  Knows tokens
and grammars; nothing of JSON Schema, tools or logits.

Theory of operation.
1. A sampled token is tested alone (half a microsecond); the mask over the whole vocabulary (up to
   milliseconds) is only computed when it is refused, and where those that could be chosen in its
   place are not found sooner by testing the likeliest one by one.
2. Jump-forward: where only one continuation exists, ``forced`` returns it and has taken it.
   llguidance forces only tokens the tokenizer itself would choose, and keeps back the last where a
   longer one could span the edge.
3. Plain text in a grammar never matches a control token, which llguidance knows by a leading 0xff.
   Only control, unknown and unused tokens are marked so: a vocabulary's added ordinary tokens
   are text.
4. A token that ends replies may also stand in a grammar by its name.  It is part of the reply
   there, and the end only where the reply is whole.
5. Where only one text can follow, but not surely as the same tokens, ``spelling`` guesses the first
   of them.  ``value_end`` tries a few marks: one that leaves a single text after it ends a value.
   Both serve speculative decoding only.
6. A matcher that fails stays failed.  That ends its job, never the worker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from numpy.typing import NDArray

from gguf_fc.engine.constrain.constraint import KEPT_GRAMMARS, Constraint, search
from gguf_fc.engine.constrain.lru import LruCache
from gguf_fc.engine.model import Vocabulary
from gguf_fc.errors import EngineError, GrammarError
from gguf_fc.job import GrammarText

# What llguidance's lexer may spend on one token, and on a grammar's start.  Its own limits are ten
# and two times lower; a counted pattern with two conditions on the whole text is beyond them, and
# stays below 100 ms with these.
LEXER_FUEL_PER_TOKEN = 2_000_000
LEXER_FUEL_AT_START = 2_000_000
# Marks that end a value in the notations that calls are written in, the usual ones first.
MARKS = tuple(bytes([mark]) for mark in b"\"<,}])'`|\n")

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class MatcherConstraint:
    """Constraint run by llguidance."""

    _matcher: LLMatcher
    _vocabulary: Vocabulary
    _tokenizer: LLTokenizer
    _marks: tuple[int, ...]  # tokens of one character each that may end a value

    @property
    def complete(self) -> bool:
        """True once nothing at all may follow."""
        return self._checked(self._matcher.is_stopped())

    @property
    def accepting(self) -> bool:
        """True where the reply may end."""
        return self._checked(self._matcher.is_accepting())

    def allows(self, token: int) -> bool:
        """Test *token*; one that ends replies is allowed where the reply may end."""
        return self._checked(self._matcher.validate_tokens([token]) == 1)

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        """First *count* of *tokens* that are allowed; None if the mask finds them sooner."""
        validate = self._matcher.validate_tokens
        return self._checked(search(lambda token: validate([token]) == 1, tokens, count))

    def mask(self) -> NDArray[np.bool_]:
        """Mask over the vocabulary: True for each token that may be next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[: len(self._vocabulary.pieces)].view(bool)
        if not self._checked(allowed.any()):
            raise EngineError("The grammar allows no token of this model's vocabulary here.")
        return allowed

    def take(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        self._checked(self._matcher.consume_token(token))

    def forced(self) -> list[int]:
        """Jump-forward tokens: those that must be next, already taken."""
        tokens = self._checked(self._matcher.compute_ff_tokens())
        self._checked(self._matcher.consume_tokens(tokens))
        return tokens

    def spelling(self) -> int | None:
        """First token of the only text that can follow, as the tokenizer would probably cut it."""
        text = self._checked(self._matcher.compute_ff_bytes())
        return next(iter(self._tokenizer.tokenize_bytes(text)), None)

    def value_end(self) -> int | None:
        """Token that probably ends a free value and begins what must follow."""
        if self.accepting:
            return None
        for mark in self._marks:
            if self.allows(mark):
                after = self._matcher.deep_copy()
                after.consume_token(mark)
                text = after.compute_ff_bytes()
                if text or after.is_stopped():
                    return self._tokenizer.tokenize_bytes(self._vocabulary.pieces[mark] + text)[0]
        return None

    def copy(self) -> Self:
        """Independent copy, to look ahead with."""
        return replace(self, _matcher=self._matcher.deep_copy())

    def _checked(self, value: T) -> T:
        if self._matcher.is_error():
            reason = self._matcher.get_error().partition("\n")[0]
            raise EngineError(f"The grammar cannot be followed: {reason}")
        return value


@dataclass(slots=True, eq=False)
class Grammars:
    """Compiler of grammars for one vocabulary, with a cache of those last used."""

    vocabulary: Vocabulary
    _tokenizer: LLTokenizer = field(init=False)
    _marks: tuple[int, ...] = field(init=False)
    _kept: LruCache[str, LLMatcher] = field(init=False)

    def __post_init__(self) -> None:
        self._kept = LruCache(KEPT_GRAMMARS)
        tokens = {piece: token for token, piece in enumerate(self.vocabulary.pieces)}
        self._marks = tuple(tokens[mark] for mark in MARKS if mark in tokens)
        self._tokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]
            tokens=_marked(self.vocabulary),
            vocab_ptr=self.vocabulary.pointer,
            tokenize_fptr=self.vocabulary.tokenizer,
            eos_token=sorted(self.vocabulary.ends),
        )

    def compile(self, grammar: GrammarText) -> Constraint:
        """Constraint at the start of a reply.  Raises GrammarError."""
        text = grammar.llguidance
        start = self._kept.get(text, lambda: self._read(text))
        return MatcherConstraint(start.deep_copy(), self.vocabulary, self._tokenizer, self._marks)

    def _read(self, text: str) -> LLMatcher:
        limits = LLParserLimits(
            initial_lexer_fuel=LEXER_FUEL_AT_START, step_lexer_fuel=LEXER_FUEL_PER_TOKEN
        )
        matcher = LLMatcher(self._tokenizer, text, log_level=0, limits=limits)
        if matcher.is_error():
            reason = matcher.get_error().partition("\n")[0]
            raise GrammarError(f"The grammar cannot be used: {reason}")
        return matcher


def _marked(vocabulary: Vocabulary) -> list[bytes]:
    """Bytes of each token as llguidance wants them: control tokens begin with 0xff."""
    return [
        b"\xff" + piece if piece and token in vocabulary.special else piece
        for token, piece in enumerate(vocabulary.pieces)
    ]
