"""Finding control tokens in text, however many a vocabulary has.

A regular expression of all their texts takes seconds to compile where there are tens of thousands
(vocabularies are padded with unused ones).  Here they are looked up: where one of their first
characters stands, by the lengths of those that begin with it.  Knows text and nothing of grammars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """A token's text at a place of another."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Index behind the token."""
        return self.start + len(self.text)


class TokenTexts:
    """The texts of control tokens; at one place the longest of them counts."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(filter(None, texts))
        lengths: dict[str, set[int]] = {}
        for text in self._texts:
            lengths.setdefault(text[0], set()).add(len(text))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        firsts = "".join(map(re.escape, self._lengths))
        self._first = re.compile(f"[{firsts}]" if firsts else "(?!)")

    def search(self, text: str, at: int = 0) -> Found | None:
        """The first of them in *text* from *at* on."""
        for first in self._first.finditer(text, at):
            start = first.start()
            for length in self._lengths[first[0]]:
                if (piece := text[start : start + length]) in self._texts:
                    return Found(piece, start)
        return None

    def findall(self, text: str) -> Iterator[Found]:
        """All of them in *text*, one after the other."""
        at = 0
        while (found := self.search(text, at)) is not None:
            yield found
            at = found.end

    def replaced(self, text: str, by: Callable[[str], str]) -> str:
        """*text* with each of them replaced."""
        pieces, at = [], 0
        for found in self.findall(text):
            pieces += [text[at : found.start], by(found.text)]
            at = found.end
        return "".join([*pieces, text[at:]])
