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
from functools import partial

from gguf_fc.dialect.syntax import Placeholder, Syntax
from gguf_fc.dialect.write import write_name
from gguf_fc.grammar import Builder, Literal, Node, Repeat, Token, choice, sequence
from gguf_fc.grammar.values.json_tokens import WHITE
from gguf_fc.grammar.values.spacing import SPACE

_PARTS = 3  # between the fixed texts at both ends of a call: name, text, arguments
_MOST_WHITE = 32  # characters in one place
_PIECE = re.compile(r'\s+|"[^"]*"|[{}\[\],:]|[^\s"{}\[\],:]+|"')
_PUNCTUATION = frozenset("{}[],:")


def loose_calls(
    syntax: Syntax,
    rest: str,
    arguments: Mapping[str, Node],
    builder: Builder,
    *,
    several: bool,
) -> list[Node]:
    """All calls of a turn in another layout, from behind their marker; none where there is none.

    *rest* is the fixed text between the marker and the first name; *arguments* are the rules of
    each tool's.  White space is one rule of *builder*: llama.cpp writes a repetition out wherever
    it stands, and refuses a grammar that has too many.
    """
    pattern = syntax.patterns[0]
    if pattern.keys is None or syntax.quoted or len(pattern.inside) != _PARTS:
        return []
    name, between, last = pattern.inside
    if not (name == Placeholder("name") and isinstance(between, str) and between.startswith('"')):
        return []
    assert last == Placeholder("arguments"), "the only other placeholder of a call with two"

    white = builder.once("white", "white", lambda: Repeat(WHITE, 0, _MOST_WHITE))
    loose = partial(_loose, white=white)

    def calls(lead: str, laid_out: Callable[[str], list[Node]]) -> Node:
        # The names branch behind the quote before them, so that what stands there is one way on.
        before = Token(sequence(*laid_out(lead.removesuffix('"')), white, Literal('"')))
        behind = loose(between.removeprefix('"'))
        after = Token(sequence(*loose(pattern.closing)))
        options: list[Node] = []
        for tool, rules in arguments.items():
            named = Literal(f'{write_name(syntax, tool)}"')
            called = Token(sequence(named, *behind, white))
            options.append(sequence(called, rules, after))
        return sequence(before, choice(*options))

    first: Node = calls(rest, partial(_otherwise, white=white))
    more: Node = Literal("")
    if several:
        more = Repeat(calls(syntax.separator + pattern.opening, loose))
    closing = loose(syntax.section.close)
    return [sequence(first, more, *([Token(sequence(*closing))] if closing else []))]


def _otherwise(text: str, white: Node) -> list[Node]:
    """*text* with white space before the object in it just where there was none."""
    at = text.index("{")
    before = text[:at].rstrip(SPACE)
    some = [] if before != text[:at] else [WHITE, white]
    return [Literal(before), *some, *_loose(text[at:], white)[1:]]


def _loose(text: str, white: Node) -> list[Node]:
    """*text* with white space where it has some, and before and behind punctuation of JSON."""
    nodes: list[Node] = []
    for piece in _PIECE.findall(text):
        if piece.isspace():
            around: list[Node] = [white]
        elif piece in _PUNCTUATION:
            around = [white, Literal(piece), white]
        else:
            around = [Literal(piece)]
        # Two gaps side by side would be one white space read in many ways.
        nodes += around[1:] if nodes[-1:] == [white] == around[:1] else around
    return nodes[:-1] if nodes[-1:] == [white] else nodes
