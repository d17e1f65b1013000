"""Sampling of a request: fields of the same names in every protocol."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from msgspec import Struct

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.fields import agreed

ALL_TOKENS = 2**31 - 1  # more than any context holds

MOST_DIGITS = 9  # of a token's id


def sampling_of(body: Struct, defaults: Sampling) -> Sampling:
    """Sampling from the fields of *body*; *defaults* fill in what it leaves out.

    Raises InvalidParameter.
    """
    given = {field.name: getattr(body, field.name, None) for field in dataclasses.fields(Sampling)}
    given["repeat_penalty"] = agreed(
        {name: getattr(body, name, None) for name in ("repeat_penalty", "repetition_penalty")}
    )
    last_n = getattr(body, "repeat_last_n", given["penalty_last_n"])
    given["penalty_last_n"] = ALL_TOKENS if last_n == -1 else last_n
    given["top_k"] = 0 if given["top_k"] == -1 else given["top_k"]
    bias = given.pop("logit_bias")
    sampling = dataclasses.replace(
        defaults, **{name: value for name, value in given.items() if value is not None}
    )
    return sampling if bias is None else dataclasses.replace(sampling, logit_bias=_bias(bias))


def least_tokens(body: Struct, limit: int | None) -> int:
    """Tokens before the model may end its reply, by ``min_tokens`` and ``ignore_eos`` of *body*.

    Raises InvalidParameter where they are more than *limit*.
    """
    least: int = getattr(body, "min_tokens", None) or 0
    if limit is not None and least > limit:
        raise InvalidParameter(
            f"'min_tokens' is {least}, more than the {limit} tokens a reply may have here.",
            param="min_tokens",
        )
    return ALL_TOKENS if getattr(body, "ignore_eos", None) else least


def seeded(sampling: Sampling, n: int) -> Sampling:
    """*sampling* of the *n*-th choice: each has a seed of its own, the first the one given."""
    if sampling.seed is None or n == 0:
        return sampling
    return dataclasses.replace(sampling, seed=abs(sampling.seed) + n)


def stop_strings(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """Stop strings, of which a body may give one, several or none."""
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _bias(bias: dict[str, float]) -> tuple[tuple[int, float], ...]:
    for token in bias:
        if not (token.isascii() and token.isdigit() and len(token) <= MOST_DIGITS):
            raise InvalidParameter(
                f"'logit_bias' has the key '{token[:40]}'; keys are token ids.", param="logit_bias"
            )
    return tuple((int(token), value) for token, value in bias.items())
