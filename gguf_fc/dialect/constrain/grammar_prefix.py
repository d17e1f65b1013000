"""Cuts a text off the beginning of rules (a derivative of the grammar by that text).

Two alternatives that begin alike are written so that a lexer tells them apart, and what the prompt
already holds of a turn is cut off its rules.  Knows neither tools nor syntaxes.
"""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.grammar import (
    NEVER,
    Builder,
    CharClass,
    Choice,
    Literal,
    Node,
    Reference,
    Regular,
    Repeat,
    Until,
    Without,
    choice,
    sequence,
)
from gguf_fc.grammar import Sequence as Series


def merged(first: Node, second: Node) -> Node:
    """Make a choice of two, with the literal text that both begin with written once."""
    start, other = _start(first), _start(second)
    shared = 0
    while shared < min(len(start), len(other)) and start[shared] == other[shared]:
        shared += 1
    common = start[:shared]
    return sequence(
        Literal(common),
        choice(without_start(first, common), without_start(second, common)),
    )


def _start(node: Node) -> str:
    match node:
        case Literal(text=text):
            return text
        case Series(items=(Literal(text=text), *_)):
            return text
        case _:
            return ""


def _holds(characters: CharClass, character: str) -> bool:
    inside = any(low <= ord(character) <= high for low, high in characters.ranges)
    return inside != characters.negated


def without_start(node: Node, text: str, builder: Builder | None = None) -> Node:
    """Derive the rules of what may follow *text*; ``NEVER`` if *node* cannot begin with it.

    *builder* has the rules that *node* refers to; without it, a reference cannot begin with a text.
    """
    if not text:
        return node
    match node:
        case Literal():
            return _without_start_of_row(node, (), text, builder)
        case Series(items=(first, *rest)):
            return _without_start_of_row(first, rest, text, builder)
        case Choice(options=options):
            left = [without_start(option, text, builder) for option in options]
            return choice(*(option for option in left if option != NEVER))
        case Reference() if builder is not None:
            return without_start(builder.rule(node), text, builder)
        case Until() | Without():
            return node
        case Regular():
            return Without(())  # text that has begun otherwise than a call
        case _:
            return NEVER


def _without_start_of_row(
    first: Node, rest: Sequence[Node], text: str, builder: Builder | None
) -> Node:
    following = sequence(*rest)
    match first:
        case Literal(text=own) if own.startswith(text):
            return sequence(Literal(own[len(text) :]), following)
        case Literal(text=own) if own and text.startswith(own):
            return without_start(following, text[len(own) :], builder)
        case CharClass() if _holds(first, text[0]):
            return without_start(following, text[1:], builder)
        case Choice(options=options):
            rows = choice(*(sequence(option, following) for option in options))
            return without_start(rows, text, builder)
        case Reference() if builder is not None:
            return without_start(sequence(builder.rule(first), following), text, builder)
        case Repeat(item=CharClass() as item):
            left = text.lstrip("".join(filter(lambda character: _holds(item, character), text)))
            return without_start(following if left else sequence(first, following), left, builder)
        case Until():
            return sequence(first, following)
        case _:
            return NEVER
