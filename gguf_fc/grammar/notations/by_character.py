"""Rules whose every character stands for itself.

A lexer that takes the longest piece and never goes back reads rules wrongly that were not written
for it: after ``name ws ("(" args ")")?`` it has taken ``x `` for the beginning of a call and will
not have it as a name.  Read by single characters, nothing can be cut in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gguf_fc.grammar.notations.token_texts import TokenTexts
from gguf_fc.grammar.rules import (
    CharClass,
    Choice,
    Literal,
    Node,
    Repeat,
    Rules,
    Sequence,
    Token,
    sequence,
)


def apart(rules: Rules, special: Mapping[str, int]) -> Rules:
    """The same language; each character, and each control token in *special*, a token."""
    control = TokenTexts(special)
    named = {name: _apart(node, control) for name, node in rules.named.items()}
    return Rules(named, rules.root)


def _apart(node: Node, special: TokenTexts) -> Node:
    match node:
        case Literal(text):
            pieces = tuple(Token(Literal(piece)) for piece in _pieces(text, special))
            return sequence(*pieces)
        case CharClass():
            return Token(node)
        case Sequence(items):
            return Sequence(tuple(_apart(item, special) for item in items))
        case Choice(options):
            return Choice(tuple(_apart(option, special) for option in options))
        case Repeat(item, least, most):
            return Repeat(_apart(item, special), least, most)
        case _:
            return node


def _pieces(text: str, special: TokenTexts) -> Iterator[str]:
    """Control tokens whole, the rest by character."""
    while (found := special.search(text)) is not None:
        yield from text[: found.start]
        yield found.text
        text = text[found.end :]
    yield from text
