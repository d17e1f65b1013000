"""Limit on the text that a grammar fixes in one piece.

What has no alternative is worked out in advance by an engine that forces it, all of it at once.  A
piece that no context can hold is of no use, and would hold up everyone else's replies; so a grammar
that has one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.prune import references
from gguf_fc.grammar.rules import Choice, Literal, Node, Reference, Repeat, Rules, Sequence, Token

MOST_FIXED = 100_000  # characters in a row


@dataclass(frozen=True, slots=True)
class _Length:
    """The length of a node that is one text, and the longest piece of one that is not."""

    whole: int | None
    piece: int = 0

    @property
    def longest(self) -> int:
        """The longest piece, which may be the whole."""
        return self.piece if self.whole is None else self.whole


_OPEN = _Length(None)


def refuse_long(rules: Rules) -> None:
    """Raise GrammarError if *rules* fix a text longer than any reply."""
    lengths: dict[str, _Length] = {}
    opened: set[str] = set()
    waiting = list(rules.named)
    while waiting:
        name = waiting[-1]
        node = rules.named[name]
        inner = () if name in opened else {r for r in references(node) if r not in opened}
        opened.add(name)
        if inner:
            waiting += inner
            continue
        waiting.pop()
        if name not in lengths:
            lengths[name] = _length(node, lengths)
            if lengths[name].longest > MOST_FIXED:
                raise GrammarError(
                    f"a text of more than {MOST_FIXED:,} characters is fixed at one place"
                )


def _length(node: Node, lengths: Mapping[str, _Length]) -> _Length:
    match node:
        case Literal(text):
            return _Length(len(text))
        case Sequence(items):
            return _joined([_length(item, lengths) for item in items])
        case Choice(options):
            longest = (_length(option, lengths).longest for option in options)
            return _Length(None, max(longest, default=0))
        case Repeat(item, least, most):
            return _repeated(_length(item, lengths), least, most)
        case Token(item):
            return _length(item, lengths)
        case Reference(name):
            return lengths.get(name, _OPEN)  # a rule around this place is not one text
        case _:
            return _OPEN


def _joined(items: list[_Length]) -> _Length:
    """Items in a row: neighbours that are texts are one piece."""
    longest = run = 0
    for item in items:
        run = 0 if item.whole is None else run + item.whole
        longest = max(longest, run, item.piece)
    whole = run if all(item.whole is not None for item in items) else None
    return _Length(whole, longest)


def _repeated(item: _Length, least: int, most: int | None) -> _Length:
    if item.whole is None:
        return item
    if least == most:
        return _Length(least * item.whole)
    return _Length(None, max(least, 1) * item.whole)
