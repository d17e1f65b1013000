"""Constraint: the state of a reply in its grammar, whichever engine runs it.

``llguidance`` and ``llama_grammar`` implement it; ``reasoning`` wraps one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gguf_fc.job import GrammarText

KEPT_GRAMMARS = 32  # compiled, the last used
# Refused tokens after which the mask is computed instead, and how many more for each allowed one.
PATIENCE = 16
PATIENCE_GAINED = 7


class Constraint(Protocol):
    """State of a reply in its grammar.  Methods raise EngineError when it cannot be continued."""

    @property
    def complete(self) -> bool:
        """True once nothing at all may follow."""
        ...

    @property
    def accepting(self) -> bool:
        """True where the reply may end."""
        ...

    def allows(self, token: int) -> bool:
        """Test *token*; one that ends replies is allowed where the reply may end."""
        ...

    def first_allowed(self, tokens: Iterable[int], count: int) -> list[int] | None:
        """First *count* of *tokens* that are allowed; None if the mask finds them sooner."""
        ...

    def mask(self) -> NDArray[np.bool_]:
        """Mask over the vocabulary: True for each token that may be next."""
        ...

    def take(self, token: int) -> None:
        """Advance by *token*, which is allowed."""
        ...

    def forced(self) -> list[int]:
        """Jump-forward tokens: those that must be next, already taken; often none."""
        ...

    def spelling(self) -> int | None:
        """First token of the only text that can follow, as the tokenizer would probably cut it."""
        ...

    def value_end(self) -> int | None:
        """Token that probably ends a free value and begins what must follow.

        None where the reply may end, and where no mark ends anything.
        """
        ...

    def copy(self) -> Self:
        """Independent copy, to look ahead with."""
        ...


Compile = Callable[[GrammarText], Constraint]


def search(allows: Callable[[int], bool], tokens: Iterable[int], count: int) -> list[int] | None:
    """First *count* of *tokens* that *allows* accepts; None if they are too rare."""
    found: list[int] = []
    patience = PATIENCE
    for token in tokens:
        if allows(token):
            found.append(token)
            patience += PATIENCE_GAINED
            if len(found) == count:
                return found
        else:
            patience -= 1
        if not patience:
            break
    return None
