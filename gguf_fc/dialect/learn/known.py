"""Syntaxes that cannot be derived, as data beside this module: ``known.toml``.

An entry is matched by what a template contains, never by a name.  It says why it is needed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from gguf_fc.dialect.syntax import Code, Syntax


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCode:
    """How the models of some templates call the tools that were built into them."""

    name: str
    evidence: str
    contains_one: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    syntax: Code

    def fits(self, template: str) -> bool:
        """Whether *template* contains one of the texts it may, and lacks what it must."""
        return any(text in template for text in self.contains_one) and not any(
            text in template for text in self.lacks
        )


def code_for(template: str) -> Code | None:
    """How the first entry that fits calls the tools that were built into the model."""
    return next((entry.syntax for entry in code_entries() if entry.fits(template)), None)


def entries() -> tuple[Known, ...]:
    """All entries of calls, in their order."""
    return _data().known


def code_entries() -> tuple[KnownCode, ...]:
    """All entries of code, in their order."""
    return _data().code


@dataclass(frozen=True, slots=True)
class _Data:
    known: tuple[Known, ...]
    code: tuple[KnownCode, ...]


@cache
def _data() -> _Data:
    text = files("gguf_fc.dialect.learn").joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Data)
