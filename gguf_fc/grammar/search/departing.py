"""The shortest beginning by which a text departs from some other texts.

Knows nothing of what those are for.
"""

from __future__ import annotations

from collections.abc import Collection

from gguf_fc.grammar.regex.charset import NONE, Charset, of, union
from gguf_fc.grammar.rules import CharClass, Literal, Node, choice, sequence
from gguf_fc.grammar.search.trie import Trie


def departing(openings: Collection[str], marks: Collection[str], barred: Charset = NONE) -> Node:
    """Characters up to the first by which a text can begin with none of *openings* any more.

    The first is none of *barred*, and the last neither begins one of *marks* nor goes on in one.
    So a lexer knows where they end, and what follows can be searched for *marks* from there.
    """
    return _behind("", Trie.of(map(tuple, filter(None, openings))), marks, barred)


def _behind(path: str, trie: Trie, marks: Collection[str], barred: Charset) -> Node:
    begun = [path[at:] for at in range(len(path) + 1)]
    within = {mark[len(b)] for mark in marks for b in begun if mark.startswith(b) and mark != b}
    other = CharClass(union(of("".join((*within, *trie.after))), barred), negated=True)
    further = [
        sequence(Literal(character), _behind(path + character, after, marks, NONE))
        for character, after in trie.after.items()
        if not after.ends
    ]
    return choice(other, *further)
