"""How probable a model held a token: logprobs, from a row of logits nobody has touched yet.

As the reference servers define it: the softmax over the whole vocabulary, before temperature,
penalties, biases, cuts and grammar.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gguf_fc.engine.model import Logits
from gguf_fc.engine.sample.sampler import largest
from gguf_fc.job import ScoredToken, TokenLogprob

LEAST = -9999.0  # instead of an infinity, which JSON cannot say


def score(logits: Logits, token: int, n_top: int, pieces: Sequence[bytes]) -> TokenLogprob:
    """The logprob of *token*, beside the *n_top* likeliest ones."""
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
    """The first token of a prompt: nothing stands before it."""
    return TokenLogprob(tuple(pieces[token]), None)
