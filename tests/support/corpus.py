"""Dialects of all chat templates there are: ours, and real ones where the data is."""

from __future__ import annotations

from functools import cache

from gguf_fc import Dialect
from tests.support.models import DATA
from tests.support.templates import NAMES, dialect_of

SPECIAL = ("<|im_end|>", "<think>", "</think>", "<tool_call>", "[TOOL_CALLS]")


@cache
def ours() -> dict[str, Dialect]:
    """Templates of this repository, by name."""
    return {name: dialect_of(name, special_tokens=SPECIAL) for name in NAMES}


@cache
def real() -> dict[str, Dialect]:
    """Templates of models, by file name; none where the data folder is absent."""
    return {
        path.stem: Dialect.from_template(
            path.read_text(encoding="utf-8"),
            bos_token="<s>",  # noqa: S106  not a password
            special_tokens=SPECIAL,
        )
        for path in sorted((DATA / "templates").glob("*.jinja"))
    }


@cache
def corpus() -> dict[str, Dialect]:
    """All of them."""
    return ours() | real()
