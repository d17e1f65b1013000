"""Syntaxes that cannot be derived, as data beside this module: ``known.toml``.

An entry is matched by what a template contains, never by a name.  It says why it is needed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from gguf_fc.dialect.syntax import Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How the models of some templates write, and what those templates contain."""

    name: str
    evidence: str
    contains: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    syntax: Syntax

    def fits(self, template: str) -> bool:
        """Whether *template* contains what it must, and lacks what it must."""
        return all(text in template for text in self.contains) and not any(
            text in template for text in self.lacks
        )


def known_for(template: str) -> Known | None:
    """The first entry that fits."""
    return next((entry for entry in entries() if entry.fits(template)), None)


@cache
def entries() -> tuple[Known, ...]:
    """All entries, in their order."""
    text = files("gguf_fc.dialect").joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["known"], tuple[Known, ...])
