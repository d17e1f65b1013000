"""Realistic families in other words, so that a family is not recognised by having been seen.

A few hundred families can be learned by heart; what has to be learned instead is to find the words
of a question in the line of a tool. So most of a family's own words are exchanged for others, the
same ones in its names, descriptions, keys, choices and questions. Its forms stay, and so do its
function words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from demo_model.words import chance, is_phrase, stem

if TYPE_CHECKING:
    from random import Random

    from demo_model.tools import Family
    from demo_model.values import Kind
    from demo_model.words import Lexicon

_WORD = re.compile(r"[A-Z]?[a-z]+")  # names in camel case are taken apart
_SHORTEST = 3  # letters; what is shorter is a function word or a slot
_SHARES = (0.4, 0.7, 1.0)  # of a family's words that are exchanged
_BARE = {"", "e", "y"}  # endings that belong to the word itself


@dataclass(slots=True)
class _Exchange:
    """Substitutes of words, by their stems; a word may stay as it is."""

    rng: Random
    lexicon: Lexicon
    share: float
    own: frozenset[str]  # the stems of the family's words: one that stays must not come twice
    _words: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, text: str) -> str:
        """*text* in the other words."""
        return _WORD.sub(lambda found: self._other(found[0]), text)

    def _other(self, word: str) -> str:
        if len(word) < _SHORTEST or is_phrase(word):
            return word
        root = stem(word)
        if root not in self._words:
            self._words[root] = self._fresh() if chance(self.rng, self.share) else None
        other = self._words[root]
        if other is None:
            return word
        ending = word[len(root) :]
        other = other if ending in _BARE else stem(other) + ending
        return other.capitalize() if word[0].isupper() else other

    def _fresh(self) -> str:
        while True:
            word = self.lexicon.draw(self.rng, "nouns")
            taken = self.own | {stem(other) for other in self._words.values() if other}
            if word.isalpha() and stem(word) not in taken:
                return word.lower()


def disguised(rng: Random, lexicon: Lexicon, family: Family) -> Family:
    """*family* with a share of its words exchanged."""
    other = _Exchange(rng, lexicon, rng.choice(_SHARES), _stems(family))
    return replace(
        family,
        names=tuple(map(other, family.names)),
        descriptions=tuple(map(other, family.descriptions)),
        parameters=tuple(
            (tuple(map(other, keys)), _choices(other, kind), other(phrase))
            for keys, kind, phrase in family.parameters
        ),
        questions=tuple(map(other, family.questions)),
        results=tuple((other(key), _choices(other, kind)) for key, kind in family.results),
    )


def _stems(family: Family) -> frozenset[str]:
    """The stems of the words in the names and keys of *family*."""
    texts = [*family.names, *(key for keys, _, _ in family.parameters for key in keys)]
    return frozenset(stem(word) for text in texts for word in _WORD.findall(text))


def _choices(other: _Exchange, kind: Kind) -> Kind:
    """*kind* with its choices in other words, if it has any."""
    if kind.name not in {"enum", "pick"}:
        return kind
    options = tuple(map(other, kind.options))
    return replace(kind, options=options) if len(set(options)) == len(options) else kind
