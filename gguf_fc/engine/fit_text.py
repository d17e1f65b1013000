"""Texts to embed, and pairs to rank, as tokens that fit into what the model reads at most.

What is too long is cut at its end where that is allowed, and refused where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gguf_fc.errors import ContextLengthExceeded, InvalidParameter
from gguf_fc.job import Embed, Rank

Fitted = tuple[list[int], int]  # the tokens, and how many were cut off


class TextReader(Protocol):
    """The part of a model that makes tokens of texts."""

    @property
    def n_ctx(self) -> int: ...  # tokens the longest text may have

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        """Tokens of *text*; with *frame* also those that the model wants around it."""
        ...

    def tokenize_pair(self, query: str, document: str) -> list[int]:
        """Tokens of a query and a document, for a model that ranks."""
        ...


def fitting_text(model: TextReader, embed: Embed) -> Fitted:
    """Tokens of the text of *embed*.  Raises InvalidParameter or ContextLengthExceeded."""
    tokens = list(embed.tokens)
    if not tokens:
        tokens = model.tokenize_text(embed.text, frame=True, special=True)
    if not tokens:
        raise InvalidParameter("The text is empty: it has no token.")
    if (n_over := len(tokens) - model.n_ctx) <= 0:
        return tokens, 0
    if not embed.cut:
        raise ContextLengthExceeded(
            f"This model reads texts of up to {model.n_ctx} tokens, this one has {len(tokens)}. "
            "Send it in parts."
        )
    end = len(tokens) - _n_closing(model, embed, tokens)
    return tokens[: end - n_over] + tokens[end:], n_over


def _n_closing(model: TextReader, embed: Embed, tokens: list[int]) -> int:
    """Number of *tokens* that the model wants behind a text, which stay when it is cut."""
    if embed.tokens:
        return 0
    plain = model.tokenize_text(embed.text, frame=False, special=True)
    starts = range(len(tokens) - len(plain) + 1)
    found = (at for at in starts if tokens[at : at + len(plain)] == plain)
    return len(tokens) - next(found, len(tokens) - len(plain)) - len(plain)


def fitting_pair(model: TextReader, rank: Rank) -> Fitted:
    """Tokens of the pair of *rank*, whose document may be cut.  Raises ContextLengthExceeded."""
    whole = len(model.tokenize_pair(rank.query, rank.document))
    document, most = rank.document, rank.most
    if most is not None:
        document = longest_fitting(document, lambda text: _length(model, text) <= most)
    tokens = model.tokenize_pair(rank.query, document)
    if len(tokens) > model.n_ctx and rank.cut:

        def fits(text: str) -> bool:
            return len(model.tokenize_pair(rank.query, text)) <= model.n_ctx

        document = longest_fitting(document, fits)
        tokens = model.tokenize_pair(rank.query, document)
    if len(tokens) > model.n_ctx:
        raise ContextLengthExceeded(
            f"This model reads a query and a document of up to {model.n_ctx} tokens, these have "
            f"{len(tokens)}. Send less."
        )
    return tokens, whole - len(tokens)


def _length(model: TextReader, text: str) -> int:
    return len(model.tokenize_text(text, frame=False, special=False))


def longest_fitting(document: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of *document* that fits, as far as more text is more tokens."""
    if fits(document):
        return document
    fitting, too_long = 0, len(document)
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        if fits(document[:middle]):
            fitting = middle
        else:
            too_long = middle
    return document[:fitting]
