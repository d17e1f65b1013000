"""Token budget of a reply's reasoning.

``LimitedReasoning`` is a constraint around another: it counts the tokens of the reasoning block and
forces the closing mark.  Knows tokens and marks, not the text of the reasoning.

Theory of operation.
1. A reply reasons at its very beginning or not at all.  Either the prompt has opened the block, or
   the first text of the reply is the opening mark; after any other text nothing is counted.
2. When the tokens are used up the closing mark is forced like a grammar's own text, and the inner
   constraint must accept it as it must accept any token.  In the middle of a character it refuses;
   then the model goes on until it accepts, three tokens later at most.
3. A token that would end the reply inside of the block is refused, and the closing mark is all that
   is allowed in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.constrain.constraint import Constraint
from gguf_fc.engine.model import Vocabulary
from gguf_fc.errors import EngineError
from gguf_fc.job import ReasoningLimit

_SPACE = b" \t\r\n"


@dataclass(slots=True, eq=False)
class LimitedReasoning:
    """Constraint *inner* with the reasoning held to *limit*; *closing* are the mark's tokens."""

    inner: Constraint
    limit: ReasoningLimit
    closing: tuple[int, ...]
    vocabulary: Vocabulary
    _state: Literal["before", "inside", "over"] = field(init=False)
    _text: bytes = field(default=b"", init=False)  # as much of it as may hold a mark
    _left: int | None = field(init=False)  # tokens; None: no limit
    _ending: bool = field(default=False, init=False)  # the model would end the reply

    def __post_init__(self) -> None:
        self._state = "before" if self.limit.opening else "inside"
        self._left = self.limit.tokens

    @property
    def complete(self) -> bool:
        """True once nothing at all may follow."""
        return self.inner.complete

    @property
    def accepting(self) -> bool:
        """True where the reply may end."""
        return self.inner.accepting

    def allows(self, token: int) -> bool:
        """Test *token*; one that ends replies is allowed where the reply may end."""
        allowed = self.inner.allows(token)
        if not allowed and self._state == "inside" and token in self.vocabulary.ends:
            self._ending = self.inner.allows(self.closing[0])
        return allowed

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        """First *count* of *tokens* that are allowed; None if the mask finds them sooner."""
        return None if self._ending else self.inner.first_allowed(tokens, count)

    def mask(self) -> NDArray[np.bool_]:
        """Mask over the vocabulary: True for each token that may be next."""
        if not self._ending:
            return self.inner.mask()
        mask = np.zeros(len(self.vocabulary.pieces), np.bool_)
        mask[self.closing[0]] = True
        return mask

    def take(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        self.inner.take(token)
        self._ending = self._ending and token == self.closing[0]
        if not self._ending:
            self._note(token)

    def forced(self) -> list[int]:
        """Jump-forward tokens: those that must be next, already taken."""
        taken = self._closed()
        for token in self.inner.forced():
            self._note(token)
            taken.append(token)
        return taken

    def spelling(self) -> int | None:
        """First token of the only text that can follow, as the tokenizer would probably cut it."""
        return self.inner.spelling()

    def value_end(self) -> int | None:
        """Token that probably ends a free value and begins what must follow."""
        return self.inner.value_end()

    def copy(self) -> Self:
        """Independent copy, to look ahead with."""
        other = copy(self)
        other.inner = self.inner.copy()
        return other

    def _closed(self) -> list[int]:
        """Force the closing mark, or the rest of it, where it is due; its tokens."""
        start = int(self._ending)  # its first token was chosen
        due = self._ending or (self._state == "inside" and self._left == 0)
        if not due or not (start or self.inner.allows(self.closing[0])):
            return []
        self._state, self._ending = "over", False
        rest = list(self.closing[start:])
        for token in rest:
            if not self.inner.allows(token):
                raise EngineError(f"The reasoning cannot be closed: {token} may not follow here.")
            self.inner.take(token)
        return rest

    def _note(self, token: int) -> None:
        """Count *token*, and notice where it opens or closes the block."""
        if self._state == "over":
            return
        self._text += self.vocabulary.pieces[token]
        if self._state == "before":
            self._look_for_opening()
        elif self._left:
            self._left -= 1
        if self._state == "inside":
            mark = self.limit.closing.strip().encode()
            if mark in self._text:
                self._state = "over"
            self._text = self._text[-len(mark) :]

    def _look_for_opening(self) -> None:
        text, mark = self._text.lstrip(_SPACE), self.limit.opening.strip().encode()
        if text.startswith(mark):
            self._state, self._text = "inside", text[len(mark) :]
        elif not mark.startswith(text):
            self._state = "over"
