"""Sampling of a request: fields of the same names in every protocol."""

from __future__ import annotations

import dataclasses

from msgspec import Struct

from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.protocols.fields import agreed

ALL_TOKENS = 2**31 - 1  # more than any context holds


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
    bias = given.pop("logit_bias")
    sampling = dataclasses.replace(
        defaults, **{name: value for name, value in given.items() if value is not None}
    )
    return sampling if bias is None else dataclasses.replace(sampling, logit_bias=_bias(bias))


def _bias(bias: dict[str, float]) -> tuple[tuple[int, float], ...]:
    for token in bias:
        if not (token.isascii() and token.isdigit()):
            raise InvalidParameter(
                f"'logit_bias' has the key '{token}'; keys are token ids.", param="logit_bias"
            )
    return tuple((int(token), value) for token, value in bias.items())
