"""Terminals of llguidance: regular parts of a grammar as its regular expressions.

These have intersection and complement, ``&`` and ``~``; what is a plain regular expression is
written as one, which nests deeper.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gguf_fc.grammar.notations.token_texts import TokenTexts
from gguf_fc.grammar.rules import (
    Both,
    CharClass,
    Choice,
    Literal,
    Node,
    Not,
    Reference,
    Regular,
    Repeat,
    Sequence,
    Token,
    Unlike,
    Until,
    Without,
)

_TEXT = "/(?s:.*)/"
_MOST_WRITTEN_OUT = 50
_SURROGATES = (0xD800, 0xDFFF)


@dataclass(slots=True, eq=False)
class Terminals:
    """Terminals of one grammar; each is defined once, as a line of its own."""

    tokens: TokenTexts  # of the vocabulary: text never matches them
    name_of: Callable[[str], str]  # terminal of a rule, by the rule's name
    lines: list[str]
    _names: dict[Node, str] = field(default_factory=dict, init=False)

    def of(self, node: Node) -> str:
        """Terminal that stands for a regular *node* in a rule."""
        match node:
            case Reference(name):
                return self.name_of(name)
            case Literal(text):
                return json.dumps(text)
            case _:
                if node not in self._names:
                    self._names[node] = name = f"T_{len(self._names)}"
                    self.lines.append(f"{name}: {self.expression(node)}")
                return self._names[node]

    def expression(self, node: Node) -> str:
        """*node* as the right side of a terminal."""
        match node:
            case Sequence() | Choice() if (pattern := _pattern(node)) is not None:
                return _written(pattern)
            case Choice(options):
                return " | ".join(map(self._operand, options))
            case Sequence(items):
                return " ".join(map(self._operand, items))
            case _:
                return self._operand(node)

    def _operand(self, node: Node) -> str:
        match node:
            case Literal(text):
                return json.dumps(text)
            case CharClass():
                return f"/{_class(node)}/"
            case Reference(name):
                return self.name_of(name)
            case Token(item) | Regular(item):
                return self._operand(item)
            case Repeat(item, least, most):
                return f"({self.expression(item)}){repetition(least, most)}"
            case Sequence() | Choice():
                pattern = _pattern(node)
                return f"({self.expression(node)})" if pattern is None else _written(pattern)
            case _:
                return self._operation(node)

    def _operation(self, node: Node) -> str:
        """Operators that a plain regular expression does not have: intersection and complement."""
        match node:
            case Both(items):
                return f"({' & '.join(map(self._operand, items))})"
            case Not(item):
                return f"~({self.expression(item)})"
            case Without(markers):
                return self._without(markers)
            case Until(markers, barred):
                ends, passes = f"/(?s:.*)({_any(markers)})/", f"/(?s:.*)({_any(markers)})(?s:.+)/"
                plain = [text for text in barred if self.tokens.search(text) is None]
                early = f" & ~/(?s:.*)({_any(plain)})(?s:.*)/" if plain else ""
                return f"({ends} & ~{passes}{early})"
            case Unlike():
                return self._unlike(node)
            case _:  # a special token, which is never part of a terminal
                raise AssertionError(node)

    def _without(self, markers: tuple[str, ...]) -> str:
        plain = [marker for marker in markers if self.tokens.search(marker) is None]
        return f"({_TEXT} & ~/(?s:.*)({_any(plain)})(?s:.*)/)" if plain else _TEXT

    def _unlike(self, node: Unlike) -> str:
        escape = self._operand(node.escape)
        free = self._operand(Repeat(Choice((node.plain, node.escape))))
        barred = [json.dumps("".join(pieces)) for pieces in node.texts]
        for before, known in _escapes(node.texts).items():
            others = " | ".join(map(json.dumps, known))
            barred.append(f"({json.dumps(before)} ({escape} & ~({others})) {free})")
        return f"({free} & ~({' | '.join(barred)}))"


def _written(pattern: str) -> str:
    """A regular expression; an empty one would begin a comment."""
    return f"/{pattern}/" if pattern else '""'


def _pattern(node: Node) -> str | None:
    """*node* as a plain regular expression, which nests deeper than groups do; None if it is none.

    Large counts stay outside: there they are counted, here they would be written out.
    """
    match node:
        case Literal(text):
            return "".join(map(_character, text))
        case CharClass():
            return _class(node)
        case Sequence(items):
            parts = [_pattern(item) for item in items]
            return None if None in parts else "".join(filter(None, parts))
        case Choice(options):
            parts = [_pattern(option) for option in options]
            return None if None in parts else f"({'|'.join(part or '' for part in parts)})"
        case Repeat(item, least, most) if max(least, most or 0) <= _MOST_WRITTEN_OUT:
            inner = _pattern(item)
            return None if inner is None else f"({inner}){repetition(least, most)}"
        case Token(item):
            return _pattern(item)
        case _:
            return None


def repetition(least: int, most: int | None) -> str:
    match least, most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _, None:
            return f"{{{least},}}"
        case _:
            return f"{{{least},{most}}}"


def _escapes(texts: tuple[tuple[str, ...], ...]) -> dict[str, list[str]]:
    """The escapes in *texts* by what stands before them."""
    found: dict[str, list[str]] = {}
    for pieces in texts:
        for at, piece in enumerate(pieces):
            if len(piece) > 1:
                found.setdefault("".join(pieces[:at]), []).append(piece)
    return found


def _any(markers: Iterable[str]) -> str:
    return "|".join("".join(map(_character, marker)) for marker in markers)


def _class(node: CharClass) -> str:
    ranges = [part for low, high in node.ranges for part in _without_surrogates(low, high)]
    if not ranges:
        return "(?s:.)" if node.negated else "[^\\x{0}-\\x{10FFFF}]"
    inside = "".join(
        _character(chr(low)) + ("" if low == high else "-" + _character(chr(high)))
        for low, high in ranges
    )
    return f"[{'^' if node.negated else ''}{inside}]"


def _without_surrogates(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The range without what is no character to llguidance."""
    first, last = _SURROGATES
    if high < first or low > last:
        yield low, high
        return
    if low < first:
        yield low, first - 1
    if high > last:
        yield last + 1, high


def _character(character: str) -> str:
    plain = character.isascii() and character.isalnum()
    return character if plain else f"\\x{{{ord(character):X}}}"
