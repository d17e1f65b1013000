"""Text that does not begin like any of some other texts.  Knows nothing of what those are for."""

from __future__ import annotations

from collections.abc import Iterable

from gguf_fc.grammar.rules import (
    Both,
    Builder,
    CharClass,
    Choice,
    Literal,
    Node,
    Not,
    Regular,
    Without,
    choice,
    sequence,
)
from gguf_fc.grammar.search.trie import Trie


def not_opening(builder: Builder, openings: Iterable[str]) -> Node:
    """Any text, also none, of which no opening is the beginning.

    A lexer that reads it beside the openings themselves tells the two apart by one character.
    """
    texts = tuple(dict.fromkeys(filter(None, openings)))
    if not texts:
        return Without(())
    begun = sequence(choice(*map(Literal, texts)), Without(()))
    return Regular(Both((Without(()), Not(begun))), _states(builder, Trie.of(map(tuple, texts))))


def _states(builder: Builder, root: Trie) -> Node:
    """One rule for each text that may still become an opening, from the longest up."""
    rules: dict[Trie, Node] = {}
    for trie, _ in reversed(root.downwards()):
        points = tuple((code, code) for code in sorted(map(ord, trie.after)))
        options: list[Node] = [Literal(""), sequence(CharClass(points, negated=True), Without(()))]
        options += [
            sequence(Literal(character), rules[after])
            for character, after in trie.after.items()
            if not after.ends
        ]
        rules[trie] = builder.define("opening", Choice(tuple(options)))
    return rules[root]
