"""Cuts a text off the beginning of rules (a derivative of the grammar by that text).

Two alternatives that begin alike are written so that a lexer tells them apart, and what the prompt
already holds of a turn is cut off its rules.  Knows neither tools nor syntaxes.
"""

from __future__ import annotations

from collections.abc import Sequence

from gguf_fc.grammar import (
    NEVER,
    CharClass,
    Choice,
    Literal,
    Node,
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


def without_start(node: Node, text: str) -> Node:
    """Derive the rules of what may follow *text*; ``NOTHING`` if *node* cannot begin with it."""
    if not text:
        return node
    match node:
        case Literal():
            return _without_start_of_row(node, (), text)
        case Series(items=(first, *rest)):
            return _without_start_of_row(first, rest, text)
        case Choice(options=options):
            left = [without_start(option, text) for option in options]
            return choice(*(option for option in left if option != NEVER))
        case Until() | Without():
            return node
        case Regular():
            return Without(())  # text that has begun otherwise than a call
        case _:
            return NEVER


def _without_start_of_row(first: Node, rest: Sequence[Node], text: str) -> Node:
    match first:
        case Literal(text=own) if own.startswith(text):
            return sequence(Literal(own[len(text) :]), *rest)
        case Literal(text=own) if own and text.startswith(own):
            return without_start(sequence(*rest), text[len(own) :])
        case CharClass() if _holds(first, text[0]):
            return without_start(sequence(*rest), text[1:])
        case Choice(options=options):
            return without_start(choice(*(sequence(option, *rest) for option in options)), text)
        case Repeat(item=CharClass() as item):
            left = text.lstrip("".join(filter(lambda character: _holds(item, character), text)))
            return without_start(sequence(*rest) if left else sequence(first, *rest), left)
        case Until():
            return sequence(first, *rest)
        case _:
            return NEVER
