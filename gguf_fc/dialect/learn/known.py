"""Syntaxes that cannot be derived, as data beside this module: ``known.toml``.

An entry is matched by what a template contains, never by a name.  It says why it is needed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from itertools import chain

import msgspec

from gguf_fc.dialect.prompt.needs import Told
from gguf_fc.dialect.syntax import Code, Marked, Syntax


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
    # A file that fits by these instead: its architecture, pre-tokenizer, and end of a prompt.
    architectures: tuple[str, ...] = ()
    pre_tokenizers: tuple[str, ...] = ()  # none: any
    ends: str = ""
    syntax: Syntax

    def fits(self, template: str) -> bool:
        """True if *template* contains every required text and no excluded one."""
        return all(text in template for text in self.contains) and not self._excludes(template)

    def fits_file(self, template: str, file: Origin, prompt: str) -> bool:
        """True if *template*, whose prompts end as *prompt* does, is one of such a *file*."""
        fits = _of(file, self.architectures, self.pre_tokenizers)
        return fits and prompt.endswith(self.ends) and not self._excludes(template)

    def _excludes(self, template: str) -> bool:
        return any(text in template for text in self.lacks)


@dataclass(frozen=True, slots=True)
class Origin:
    """Facts of a model file beside its template."""

    architecture: str = ""
    pre_tokenizer: str = ""


def known_for(template: str, file: Origin, prompt: str) -> Known | None:
    """Find the first entry that fits *template*, or else its *file* and *prompt*."""
    by_text = (entry for entry in entries() if entry.fits(template))
    by_file = (entry for entry in entries() if entry.fits_file(template, file, prompt))
    return next(chain(by_text, by_file), None)


def _of(file: Origin, architectures: tuple[str, ...], pre_tokenizers: tuple[str, ...]) -> bool:
    told = not pre_tokenizers or file.pre_tokenizer in pre_tokenizers
    return file.architecture in architectures and told


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
    """Template that some files name by a *word* instead of carrying its *text*.

    Files of its architectures that carry nothing at all have it too.
    """

    word: str  # in small letters
    evidence: str
    text: str
    architectures: tuple[str, ...] = ()
    pre_tokenizers: tuple[str, ...] = ()  # none: any


def named_template(text: str, file: Origin) -> NamedTemplate | None:
    """The template that *text* names, or that a *file* without any goes by; None if there is none.

    Files are written by converters that know the format of a model and not its template.
    """
    word = text.strip().casefold()
    named = _data().named
    if word:
        return next((entry for entry in named if entry.word == word), None)
    fitting = (e for e in named if _of(file, e.architectures, e.pre_tokenizers))
    return next(fitting, None)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownVocabulary:
    """Syntax of calls that are written with control tokens, all of which a vocabulary has."""

    name: str
    evidence: str
    tokens: tuple[str, ...]
    syntax: Syntax


def vocabulary_for(tokens: Collection[str]) -> KnownVocabulary | None:
    """Find the first entry whose tokens are among a vocabulary's control *tokens*."""
    known = _data().vocabulary
    return next((entry for entry in known if set(entry.tokens) <= set(tokens)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReasoning:
    """Marks of reasoning in the vocabularies of some templates, and the texts that tell those."""

    name: str
    evidence: str
    contains: tuple[str, ...]
    lacks: tuple[str, ...] = ()
    marks: Marked


def reasoning_for(template: str) -> KnownReasoning | None:
    """Find the first such entry that fits *template*."""
    return next((entry for entry in _data().reasoning if _fits(entry, template)), None)


def _fits(entry: KnownReasoning, template: str) -> bool:
    return all(text in template for text in entry.contains) and not any(
        text in template for text in entry.lacks
    )


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
    reasoning: tuple[KnownReasoning, ...]
    vocabulary: tuple[KnownVocabulary, ...]


# Reads the classes while the module is loaded: models are planned in several threads, and msgspec
# crashes where two of them do so for the first time at once.
msgspec.convert({each.name: () for each in fields(_Data)}, _Data)


@cache
def _data() -> _Data:
    text = files("gguf_fc.dialect.learn").joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Data)
