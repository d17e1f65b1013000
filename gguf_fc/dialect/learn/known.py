"""Syntaxes that cannot be derived, as data beside this module: ``known.toml``.

An entry is matched by what a template contains, never by a name.  It says why it is needed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from gguf_fc.dialect.prompt.needs import Told
from gguf_fc.dialect.syntax import Code, Syntax


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Syntax of some models' calls, and the texts that tell their templates."""

    name: str
    evidence: str
    contains: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    told: str = ""  # of the tools, where the template does not; see ``Needs``
    result_role: str = ""  # who brings results, where another role is shown as well
    result_text: str = ""  # results as text of the turn with their call; see ``Needs``
    tight: bool = False  # see ``Needs``
    syntax: Syntax

    def fits(self, template: str) -> bool:
        """True if *template* contains every required text and no excluded one."""
        return all(text in template for text in self.contains) and not any(
            text in template for text in self.lacks
        )


def known_for(template: str) -> Known | None:
    """Find the first entry that fits *template*."""
    return next((entry for entry in entries() if entry.fits(template)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCode:
    """Code calls of some models' built-in tools, and the texts that tell their templates."""

    name: str
    evidence: str
    contains_one: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    syntax: Code

    def fits(self, template: str) -> bool:
        """True if *template* contains one of the texts asked for and no excluded one."""
        return any(text in template for text in self.contains_one) and not any(
            text in template for text in self.lacks
        )


def code_for(template: str) -> Code | None:
    """Code calls of the first entry that fits; None if there are none."""
    return next((entry.syntax for entry in code_entries() if entry.fits(template)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTemplate:
    """Template that some files name by a *word* instead of carrying its *text*."""

    word: str
    evidence: str
    text: str


def named_template(text: str) -> str:
    """The template that *text* names; *text* itself if it names none."""
    word = text.strip()
    return next((entry.text for entry in _data().named if entry.word == word), text)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTold:
    """Words in which some models are told of tools, and the texts that tell their templates."""

    name: str
    evidence: str
    contains: tuple[str, ...]
    told: Told


def told_for(template: str) -> KnownTold | None:
    """Find the first such entry all of whose texts *template* contains."""
    fitting = (entry for entry in _data().told if all(text in template for text in entry.contains))
    return next(fitting, None)


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
    named: tuple[NamedTemplate, ...]
    told: tuple[KnownTold, ...]


# Reads the classes while the module is loaded: models are planned in several threads, and msgspec
# crashes where two of them do so for the first time at once.
msgspec.convert({"known": (), "code": (), "named": (), "told": ()}, _Data)


@cache
def _data() -> _Data:
    text = files("gguf_fc.dialect.learn").joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Data)
