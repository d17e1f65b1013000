"""Texts of a grammar, drawn at random: what may be any text is made of hostile pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gguf_fc.dialect.syntax import Syntax
from gguf_fc.grammar import (
    CharClass,
    Choice,
    Literal,
    Node,
    Reference,
    Regular,
    Repeat,
    Rules,
    Sequence,
    Token,
    Until,
    Without,
    choice,
)
from gguf_fc.grammar.rules import Unlike

_PUNCTUATION = [
    "a",
    "city",
    "get",
    " ",
    "\n",
    '"',
    "'",
    "\\",
    "{",
    "}",
    ", ",
    ": ",
    "=",
    "1",
    "<",
    "é",
]
_DEEP = 40  # parts of the grammar inside of each other, from where on the shortest way out is taken
_TRIES = 20


def hostile_pieces(syntax: Syntax) -> list[str]:
    """Every fixed text of *syntax*, its words, and both halves of each."""
    texts = {text for text in _texts_of(syntax.to_dict()) if text.strip()}
    words = {word for text in texts for word in text.split()}
    halves = {half for text in texts | words for half in _halves(text)}
    return sorted(texts | words | halves) + _PUNCTUATION


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _texts_of(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, inner in value.items():
                if key not in ("kind", "scalars", "notation", "spacing", "form"):
                    yield from _texts_of(inner)
        case list() | tuple():
            for inner in value:
                yield from _texts_of(inner)
        case _:
            pass


@dataclass(slots=True)
class Sampler:
    """Draws texts of *rules*."""

    rules: Rules
    pieces: list[str]
    random: Random
    _heights: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._heights = dict.fromkeys(self.rules.named, float("inf"))
        while True:
            found = {name: 1 + self._height(node) for name, node in self.rules.named.items()}
            if found == self._heights:
                return
            self._heights = found

    def text(self) -> str:
        """One text of the grammar."""
        return self._draw(Reference(self.rules.root), depth=0)

    def _height(self, node: Node) -> float:
        match node:
            case Reference(name):
                return self._heights[name]
            case Sequence(items):
                return max(map(self._height, items), default=0)
            case Choice(options):
                return min(map(self._height, options), default=float("inf"))
            case Repeat(item, least):
                return self._height(item) if least else 0
            case Token(item) | Regular(states=item):
                return self._height(item)
            case _:
                return 0

    def _draw(self, node: Node, depth: int) -> str:
        match node:
            case Reference(name):
                return self._draw(self.rules.named[name], depth + 1)
            case Sequence(items):
                return "".join(self._draw(item, depth) for item in items)
            case Choice(options):
                options = tuple(o for o in options if self._height(o) < float("inf"))
                if depth > _DEEP:
                    return self._draw(min(options, key=self._height), depth)
                return self._draw(self.random.choice(options), depth)
            case Repeat(item, least, most):
                more = 0 if depth > _DEEP else self.random.choice([0, 1, 1, 2])
                times = least + more if most is None else min(least + more, most)
                return "".join(self._draw(item, depth + 1) for _ in range(times))
            case Token(item) | Regular(states=item):
                return self._draw(item, depth)
            case _:
                return self._draw_text(node, depth)

    def _draw_text(self, node: Node, depth: int) -> str:
        match node:
            case Literal(text):
                return text
            case CharClass():
                return self._character(node)
            case Until(markers, barred):
                return self._up_to(markers, barred)
            case Without(markers):
                return self._without(markers)
            case Unlike():
                return self._unlike(node, depth)
            case _:
                raise AssertionError(node)

    def _character(self, node: CharClass) -> str:
        candidates: list[str] = [
            *self.random.choice(self.pieces),
            *(chr(low) for low, _ in node.ranges),
            "a",
            "\x7f",
            "é",
        ]
        allowed = [c for c in candidates if _holds(node, c)]
        return allowed[self.random.randrange(len(allowed))]

    def _words(self) -> str:
        return "".join(self.random.choice(self.pieces) for _ in range(self.random.randrange(5)))

    def _up_to(self, markers: tuple[str, ...], barred: tuple[str, ...]) -> str:
        for _ in range(_TRIES):
            marker = self.random.choice(markers)
            text = self._words() + marker
            ends = (text.find(other) + len(other) for other in markers if other in text)
            if min(ends) == len(text) and not any(other in text for other in barred):
                return text
        return self.random.choice(markers)

    def _without(self, markers: tuple[str, ...]) -> str:
        drawn = (self._words() for _ in range(_TRIES))
        return next((text for text in drawn if not any(m in text for m in markers)), "")

    def _unlike(self, node: Unlike, depth: int) -> str:
        free = Repeat(choice(node.plain, node.escape))
        known = {"".join(pieces) for pieces in node.texts}
        drawn = (self._draw(free, depth) for _ in range(_TRIES))
        return next(text for text in drawn if text not in known)


def _holds(node: CharClass, character: str) -> bool:
    inside = any(low <= ord(character) <= high for low, high in node.ranges)
    return inside != node.negated
