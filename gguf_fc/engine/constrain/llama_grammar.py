"""Constrained decoding by llama.cpp's own grammar sampler.

The second implementation of ``constraint.Constraint``.  The sampler itself arrives through the
constructor; this module knows its quirks, not its library.

Theory of operation.
1. The sampler throws where it is told to accept a token that it refuses, and that ends the
   process.  So no token is accepted that was not tested: ``take`` asks again whatever was said.
2. Testing one token costs microseconds, the mask of a whole vocabulary milliseconds.  It is
   computed on a refusal, and kept until the next token.
3. The sampler reads a control token as its text.  Free text could so hold any of them; therefore
   only those that the grammar names, in a literal or as a token, are let through.
4. It knows tokens that end replies only as the end, never as a part of the reply.
5. It counts an unfinished character and any byte after it as one character.  So a token that
   does not keep the reply whole UTF-8 is refused here.
6. Any way to cut a text into tokens is right to it, so where the next *text* is certain the next
   token hardly ever is: nothing is forced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.constrain.constraint import KEPT_GRAMMARS, Constraint, search
from gguf_fc.engine.constrain.lru import LruCache
from gguf_fc.engine.constrain.utf8 import Utf8Tokens, unfinished
from gguf_fc.engine.model import Vocabulary
from gguf_fc.errors import EngineError, GrammarError
from gguf_fc.job import GrammarText

MAX_BYTES = 16 << 20
MAX_GROUPS = 1000  # in each other; native code reads them by recursion

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]', re.DOTALL)
_PRINTABLE = {bytes([code]) for code in range(0x20, 0x7F)}

Tokens = NDArray[np.int32]
Allowed = NDArray[np.bool_]


class GrammarState(Protocol):
    """State of a reply in the sampler's grammar.  ``llama`` has the real one, the tests another."""

    def allowed(self, tokens: Tokens) -> Allowed:
        """Mask over *tokens*: True for each that may be next."""
        ...

    def accept(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        ...

    def copy(self) -> Self:
        """Independent copy."""
        ...


@dataclass(slots=True, eq=False)
class SamplerConstraint:
    """Constraint run by llama.cpp."""

    _state: GrammarState
    _tokens: _VocabularyTokens
    _named: frozenset[int]  # control tokens that the grammar names
    _pending: bytes = b""  # the character begun last, if unfinished
    _mask: Allowed | None = None

    @property
    def complete(self) -> bool:
        """True once nothing at all may follow."""
        if not self.accepting or self._state.allowed(self._tokens.letters).any():
            return False
        return not np.delete(self.mask(), self._tokens.ends).any()

    @property
    def accepting(self) -> bool:
        """True where the reply may end."""
        return bool(self._state.allowed(self._tokens.ends[:1]).all())

    def allows(self, token: int) -> bool:
        """Test *token*; one that ends replies is allowed where the reply may end."""
        if self._mask is not None:
            return bool(self._mask[token])
        if token in self._tokens.hidden and token not in self._named:
            return False
        if unfinished(self._pending + self._tokens.pieces[token]) is None:
            return False
        return bool(self._state.allowed(np.array([token], np.int32))[0])

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        """First *count* of *tokens* that are allowed; None if the mask finds them sooner."""
        return search(self.allows, tokens, count)

    def mask(self) -> Allowed:
        """Mask over the vocabulary: True for each token that may be next."""
        if self._mask is None:
            mask = self._tokens.utf8.after(self._pending).copy()
            mask[list(self._tokens.hidden - self._named)] = False
            asked = np.flatnonzero(mask).astype(np.int32)
            mask[asked] = self._state.allowed(asked)
            if not mask.any():
                raise EngineError("The grammar allows no token of this model's vocabulary here.")
            self._mask = mask
        return self._mask

    def take(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        if not self.allows(token):
            raise EngineError(f"The grammar cannot be followed: it refuses the token {token}.")
        self._state.accept(token)
        self._pending = unfinished(self._pending + self._tokens.pieces[token]) or b""
        self._mask = None

    def forced(self) -> list[int]:
        """Jump-forward tokens: none that the sampler could prove."""
        return []

    def spelling(self) -> int | None:
        """Nothing: the sampler knows tokens, not texts."""
        return None

    def value_end(self) -> int | None:
        """Nothing: the sampler does not say which tokens end a value."""
        return None

    def copy(self) -> Self:
        """Independent copy, to look ahead with."""
        return replace(self, _state=self._state.copy())


@dataclass(frozen=True, slots=True, eq=False)
class _VocabularyTokens:
    """Vocabulary in the form in which the sampler is asked about it."""

    pieces: tuple[bytes, ...]
    utf8: Utf8Tokens
    ends: Tokens
    letters: Tokens  # a few ordinary tokens, one of which nearly every grammar allows
    hidden: frozenset[int]  # control tokens that do not end replies

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> _VocabularyTokens:
        pieces = enumerate(vocabulary.pieces)
        letters = [token for token, piece in pieces if piece in _PRINTABLE]
        return cls(
            pieces=vocabulary.pieces,
            utf8=Utf8Tokens(vocabulary.pieces),
            ends=np.array(sorted(vocabulary.ends), np.int32),
            letters=np.array(letters, np.int32),
            hidden=vocabulary.special - vocabulary.ends,
        )


class SamplerGrammars:
    """Compiler of grammars for one vocabulary, with a cache of those last used."""

    def __init__(self, vocabulary: Vocabulary, open_grammar: Callable[[str], GrammarState]) -> None:
        """*open_grammar* reads GBNF and raises GrammarError if it cannot."""
        if not vocabulary.ends:
            raise EngineError(
                "No token of this vocabulary ends a reply, which llama.cpp's grammar sampler "
                "needs; start the server without '--constraint llama.cpp'."
            )
        self._tokens = _VocabularyTokens.of(vocabulary)
        self._open = open_grammar
        self._kept: LruCache[str, GrammarState] = LruCache(KEPT_GRAMMARS)

    def compile(self, grammar: GrammarText) -> Constraint:
        """Constraint at the start of a reply.  Raises GrammarError."""
        start = self._kept.get(grammar.gbnf, lambda: self._read(grammar.gbnf))
        return SamplerConstraint(start.copy(), self._tokens, frozenset(grammar.tokens))

    def _read(self, text: str) -> GrammarState:
        """Parse *text* natively, unless it is too large or deep for that.  Raises GrammarError."""
        if len(text) > MAX_BYTES:
            raise GrammarError(f"The grammar has more than {MAX_BYTES:,} bytes.")
        if _nesting(text) > MAX_GROUPS:
            raise GrammarError(f"The grammar has more than {MAX_GROUPS:,} groups in each other.")
        return self._open(text)


def _nesting(gbnf: str) -> int:
    """Depth of the most deeply nested group."""
    brackets = (character for character in _QUOTED.sub("", gbnf) if character in "()")
    depth = deepest = 0
    for bracket in brackets:
        depth += 1 if bracket == "(" else -1
        deepest = max(deepest, depth)
    return deepest
