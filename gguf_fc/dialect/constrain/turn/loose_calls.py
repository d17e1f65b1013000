"""Calls laid out otherwise than the template does: a line break more or less inside the marks.

What a model reads of calls, in prose and in examples, often differs from the history by white space
alone, and so does what it writes.  JSON means the same in any layout.

Theory of operation.  Behind the mark the written form has white space, or it has none; a call that
begins the other way is read on with white space wherever JSON has room for it.  So one character
tells the two apart, and behind it the written form is as fixed as if there were no other.  Each
text between placeholders is one piece for a lexer, which could not part free white space from what
follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gguf_fc.dialect.syntax import Placeholder, Syntax
from gguf_fc.dialect.write import write_name
from gguf_fc.grammar import Literal, Node, Repeat, Token, choice, sequence
from gguf_fc.grammar.values.json_tokens import WHITE
from gguf_fc.grammar.values.spacing import SPACE

_PARTS = 3  # between the fixed texts at both ends of a call: name, text, arguments
_MOST_WHITE = 32  # characters in one place
_PIECE = re.compile(r'\s+|"[^"]*"|[{}\[\],:]|[^\s"{}\[\],:]+|"')
_PUNCTUATION = frozenset("{}[],:")
_GAP = Repeat(WHITE, 0, _MOST_WHITE)


def loose_calls(
    syntax: Syntax, rest: str, arguments: Mapping[str, Node], *, several: bool
) -> list[Node]:
    """All calls of a turn in another layout, from behind their marker; none where there is none.

    *rest* is the fixed text between the marker and the first name; *arguments* are the rules of
    each tool's.
    """
    pattern = syntax.patterns[0]
    if pattern.keys is None or syntax.quoted or len(pattern.inside) != _PARTS:
        return []
    name, between, last = pattern.inside
    if not (name == Placeholder("name") and isinstance(between, str)):
        return []
    assert last == Placeholder("arguments"), "the only other placeholder of a call with two"

    def calls(lead: str, laid_out: Callable[[str], list[Node]]) -> Node:
        after = Token(sequence(*_loose(pattern.closing)))
        options: list[Node] = []
        for tool, rules in arguments.items():
            called = laid_out(f"{lead}{write_name(syntax, tool)}{between}")
            options.append(sequence(Token(sequence(*called, _GAP)), rules, after))
        return choice(*options)

    first: Node = calls(rest, _otherwise)
    more: Node = Literal("")
    if several:
        more = Repeat(calls(syntax.separator + pattern.opening, _loose))
    closing = _loose(syntax.section.close)
    return [sequence(first, more, *([Token(sequence(*closing))] if closing else []))]


def _otherwise(text: str) -> list[Node]:
    """*text* with white space before the object in it just where there was none."""
    at = text.index("{")
    before = text[:at].rstrip(SPACE)
    white = [] if before != text[:at] else [Repeat(WHITE, 1, _MOST_WHITE)]
    return [Literal(before), *white, *_loose(text[at:])[1:]]


def _loose(text: str) -> list[Node]:
    """*text* with white space where it has some, and before and behind punctuation of JSON."""
    nodes: list[Node] = []
    for piece in _PIECE.findall(text):
        around: list[Node] = [] if piece.isspace() else [Literal(piece)]
        if piece.isspace() or piece in _PUNCTUATION:
            around = [_GAP, *around, _GAP]
        nodes += around[1:] if nodes[-1:] == [_GAP] and around[0] == _GAP else around
    while len(nodes) > 1 and nodes[-1] == nodes[-2] == _GAP:
        nodes.pop()
    return nodes[:-1] if nodes[-1:] == [_GAP] else nodes
