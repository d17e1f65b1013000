"""Logprobs of tokens, from a row of logits as the model gave it.

As the reference servers define it: the softmax over the whole vocabulary, before temperature,
penalties, biases, cuts and grammar.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gguf_fc.engine.model import Logits
from gguf_fc.engine.sample.sampler import largest
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

LEAST = -9999.0  # instead of an infinity, which JSON cannot say


def score(logits: Logits, token: int, n_top: int, pieces: Sequence[bytes]) -> TokenLogprob:
    """Logprob of *token*, with those of the *n_top* most likely tokens."""
    peak = float(logits.max())
    total = peak + float(np.log(np.exp(logits - np.float32(peak)).sum(dtype=np.float64)))

    def logprob(candidate: int) -> float:
        return max(LEAST, float(logits[candidate]) - total)

    top = sorted(largest(logits, n_top).tolist() if n_top else [], key=logprob, reverse=True)
    return TokenLogprob(
        tuple(pieces[token]),
        logprob(token),
        tuple(ScoredToken(tuple(pieces[other]), logprob(other)) for other in top),
    )


def unscored(token: int, pieces: Sequence[bytes]) -> TokenLogprob:
    """First token of a prompt, which has no logprob: nothing precedes it."""
    return TokenLogprob(tuple(pieces[token]), None)
