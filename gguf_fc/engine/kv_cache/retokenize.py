"""Retokenizing a prompt as the cached tokens that spell the same text.

The same text can be written in more than one way as tokens: what a model said is seldom split as
the tokenizer would split it, so a conversation that comes back would diverge from what is cached in
the middle of the last answer.  Here the cached tokens win.  Rules.
1. Only text counts: both sides must spell the same bytes.
2. A control token is not its text: it must be the same token, at the same place, on both sides.
3. Where a token ends on both sides after the same bytes, the two may be joined; the prompt goes on
   in its own tokens after the last such place.
"""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.model import Vocabulary


def retokenized(
    prompt: Sequence[int], kept: Sequence[int], vocabulary: Vocabulary
) -> tuple[list[int], int]:
    """*prompt* in the tokens of *kept* for as long as these spell the same, and their number."""
    at, n_kept = 0, 0  # up to here both spell the same, and both end a token
    while True:
        same = common(prompt, kept, a_from=at, b_from=n_kept)
        at, n_kept = at + same, n_kept + same
        joint = _next_joint(prompt, at, kept, n_kept, vocabulary)
        if joint is None:
            return [*kept[:n_kept], *prompt[at:]], n_kept
        at, n_kept = joint


def _next_joint(
    prompt: Sequence[int], at: int, kept: Sequence[int], n_kept: int, vocabulary: Vocabulary
) -> tuple[int, int] | None:
    """Next position where a token ends on both sides; None if they spell different things."""
    ahead = b""  # what one side spells beyond the other
    prompt_leads = False
    while True:
        if prompt_leads:
            piece, n_kept = _text(kept, n_kept, vocabulary), n_kept + 1
        else:
            piece, at = _text(prompt, at, vocabulary), at + 1
        shorter = min(len(ahead), len(piece))
        if not piece or ahead[:shorter] != piece[:shorter]:
            return None
        if len(ahead) == len(piece):
            return at, n_kept
        if len(piece) > len(ahead):
            prompt_leads = not prompt_leads
        ahead = ahead[shorter:] or piece[shorter:]


def _text(tokens: Sequence[int], at: int, vocabulary: Vocabulary) -> bytes:
    """Bytes of the token at *at*; none at the end, and for a control token."""
    if at >= len(tokens) or tokens[at] in vocabulary.special:
        return b""
    return vocabulary.pieces[tokens[at]]
