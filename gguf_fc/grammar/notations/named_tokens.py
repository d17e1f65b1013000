"""Control tokens of a vocabulary that a grammar names, in its literals or on their own.

Knows rules and the texts of control tokens; nothing of any engine's notation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.notations.token_texts import TokenTexts
from gguf_fc.grammar.prune import nodes
from gguf_fc.grammar.rules import Literal, Node, Rules, Special, Until


def number_of(node: Special, special: Mapping[str, int]) -> int:
    """The token's number.  Raises GrammarError if the vocabulary has none of that name."""
    if isinstance(node.token, int):
        return node.token
    if node.token not in special:
        raise GrammarError(f"this model's vocabulary has no control token '{node.token}'")
    return special[node.token]


def named_tokens(rules: Rules, special: Mapping[str, int]) -> frozenset[int]:
    """The control tokens that *rules* ask for; "any but one" asks for them all.

    Text without a marker does not ask for the marker's tokens.

    *special* maps the text of each control token to its number.
    """
    control = TokenTexts(special)
    found: set[int] = set()
    for node in _all_nodes(rules):
        if isinstance(node, Special):
            number = number_of(node, special)
            found |= set(special.values()) if node.negated else {number}
        for text in _texts(node):
            found |= {special[token.text] for token in control.findall(text)}
    return frozenset(found)


def _all_nodes(rules: Rules) -> Iterator[Node]:
    for root in rules.named.values():
        yield from nodes(root)


def _texts(node: Node) -> tuple[str, ...]:
    match node:
        case Literal(text):
            return (text,)
        case Until(markers):
            return markers
        case _:
            return ()
