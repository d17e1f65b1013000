"""Prompts given as text or as token ids: one or several of either."""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.errors import InvalidParameter
from gguf_fc.models.pool import LoadedModel
from gguf_fc.request import Given

Prompt = str | list[str | int | list[int]]  # as it stands in a body


def given_prompts(prompt: Prompt, param: str, *, most: int) -> tuple[Given, ...]:
    """The texts of *prompt*, the field *param*; at least one.  Raises InvalidParameter."""
    if isinstance(prompt, str):
        return (Given(param=param, text=prompt),)
    kinds = {type(item) for item in prompt}
    if not prompt:
        raise InvalidParameter(f"'{param}' is an empty list.", param=param)
    if len(kinds) > 1:
        raise InvalidParameter(
            f"'{param}' must be a text, a list of texts, a list of tokens or a list of lists of "
            "tokens; these cannot be mixed.",
            param=param,
        )
    if kinds == {int}:
        return (Given(param=param, tokens=tuple(item for item in prompt if isinstance(item, int))),)
    if len(prompt) > most:
        raise InvalidParameter(
            f"'{param}' has {len(prompt)} texts; send at most {most} at once.", param=param
        )
    return tuple(_given(item, f"{param}[{n}]") for n, item in enumerate(prompt))


def _given(item: str | int | list[int], param: str) -> Given:
    match item:
        case str():
            return Given(param=param, text=item)
        case list():
            return Given(param=param, tokens=tuple(item))
        case _:
            raise AssertionError(f"not one of several texts: {item}")


def refuse_unknown_tokens(prompts: Sequence[Given], model: LoadedModel) -> None:
    """Raise InvalidParameter where a token is not one of the model's."""
    n_vocab = model.ready.n_vocab
    for given in prompts:
        for token in given.tokens:
            if not 0 <= token < n_vocab:
                raise InvalidParameter(
                    f"'{given.param}' has the token {token}, but this model's vocabulary has the "
                    f"tokens 0 to {n_vocab - 1}. Tokens of another model mean something else "
                    "here: send text.",
                    param=given.param,
                )
