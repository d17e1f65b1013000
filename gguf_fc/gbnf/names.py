"""Keys other than some known ones, as a rule.

A key is spelled here in the one way ``json.dumps`` spells it as far as it agrees with a known name,
so that no known name slips through in escapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gguf_fc.gbnf.json_text import CANONICAL_ESCAPE, PLAIN, quoted
from gguf_fc.gbnf.rules import (
    Builder,
    CharClass,
    Literal,
    Node,
    Repeat,
    Token,
    choice,
    optional,
    sequence,
)

MAX_LETTERS = 20_000  # of all names together
_NESTED = 8  # letters after which a rule of its own begins


@dataclass(slots=True)
class _Letter:
    """What names have in common up to here."""

    after: dict[str, _Letter] = field(default_factory=dict)
    ends: bool = False  # a name ends here


def other_key(names: list[str], builder: Builder, character: Node) -> Node:
    """A JSON string, with its quotes, that is none of *names*; *character* is any one character."""
    root = _Letter()
    for name in names:
        at = root
        for letter in name:
            at = at.after.setdefault(letter, _Letter())
        at.ends = True
    free = Repeat(character)
    rules: dict[int, Node] = {}
    for letter, depth in reversed(_downwards(root)):
        node = _beside(letter, rules, free)
        if len(letter.after) > 1 or depth % _NESTED == 0:
            node = builder.define("key", node)
        rules[id(letter)] = node
    return Token(sequence(Literal('"'), rules[id(root)], Literal('"')))


def _downwards(root: _Letter) -> list[tuple[_Letter, int]]:
    """Every letter after the one it follows, with its depth."""
    order = [(root, 0)]
    for letter, depth in order:
        order.extend((after, depth + 1) for after in letter.after.values())
    return order


def _beside(letter: _Letter, rules: dict[int, Node], free: Node) -> Node:
    """The rest of a key that agrees with some name so far, and with none at its end."""
    options = [sequence(Literal(_spelled(c)), rules[id(n)]) for c, n in letter.after.items()]
    options.append(sequence(_except(list(letter.after)), free))
    return choice(*options) if letter.ends else optional(choice(*options))


def _spelled(letter: str) -> str:
    return quoted(letter)[1:-1]


def _except(letters: list[str]) -> Node:
    """One character, in its canonical spelling, that is none of *letters*."""
    plain = [letter for letter in letters if _spelled(letter) == letter]
    ranges = (*PLAIN.ranges, *((ord(letter), ord(letter)) for letter in plain))
    other = CharClass(tuple(sorted(ranges)), negated=True)
    if len(plain) == len(letters):
        return choice(other, CANONICAL_ESCAPE)
    # Keys with an escape just where a known name has one are given up: nobody writes them.
    return other
