"""Prefix sharing between running sequences: how much one can have of another's prefill."""

from __future__ import annotations

from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.sequence import Sequence


def shareable(sequence: Sequence, other: Sequence) -> int:
    """Tokens of *other*'s prompt, evaluated or yet to be, that *sequence* can share.

    At most all of its own but one: only an evaluated token yields logits.
    """
    return min(common(sequence.tokens, other.tokens[: other.n_prompt]), len(sequence.tokens) - 1)


def promised(sequence: Sequence, other: Sequence, *, can_trim: bool) -> int:
    """Tokens that *sequence* can share with *other* once that has evaluated them.

    A slot of a recurrent model cannot be cut: there it is the checkpoint at the end of *other*'s
    shared prefix, or nothing.
    """
    shared = shareable(sequence, other)
    if can_trim:
        return shared
    prefix = other.checkpoints.prefix or 0
    return prefix if prefix <= shared else 0
