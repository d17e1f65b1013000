"""Regular expressions as rules for an engine that has "both" and "not".

``regular`` writes an automaton's states; this writes the expression itself, which is shorter and
lets the engine build of the automaton only what it needs.

Theory of operation.  An expression is written from its end: each part gets the rule of *what may
follow* and returns the rule of itself and that.  Then a place is a condition on what follows
("end": nothing), looking ahead is an intersection with it, and looking at what is before needs one
bit of memory: there are three rules of what may follow, for the start, after a letter of a word,
and after another character.  Where this does not work (places inside a loop, looking behind), the
automaton is turned into an expression by removing its states one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from gguf_fc.grammar.prune import children
from gguf_fc.grammar.regex.charset import ALL, WORD, Charset, complement, intersection
from gguf_fc.grammar.regex.dfa import Dfa
from gguf_fc.grammar.regex.parse import (
    At,
    Chars,
    Either,
    Look,
    Series,
    Times,
    Tree,
    Unsupported,
    nodes,
)
from gguf_fc.grammar.rules import (
    NEVER,
    Both,
    CharClass,
    Choice,
    Literal,
    Node,
    Not,
    Repeat,
    Sequence,
    choice,
    optional,
    sequence,
)

_EMPTY = Literal("")
_MOST_COPIES = 20  # of what follows, where a count is written out
_MOST_PARTS = 2_000  # of an expression
_MOST_GROWTH = 10  # parts more, for each part of what it is made from

Letter = Callable[[Charset], Node]


@dataclass(frozen=True, slots=True)
class _Rest:
    """Continuations: at the start of the text, after a letter of a word, after another one."""

    start: Node
    word: Node
    other: Node

    @classmethod
    def same(cls, node: Node) -> _Rest:
        return cls(node, node, node)

    @property
    def is_same(self) -> bool:
        return self.word == self.other

    def each(self, change: Callable[[Node], Node]) -> _Rest:
        return _Rest(change(self.start), change(self.word), change(self.other))


def expression(tree: Tree, dfa: Dfa, letter: Letter) -> Node:
    """The texts *tree* matches as a whole, which are those *dfa* accepts."""
    if dfa.is_empty:
        return NEVER
    try:
        most = _MOST_PARTS + _MOST_GROWTH * sum(1 for _ in nodes(tree))
        return _ExpressionWriter(letter, most).before(tree, _Rest.same(_EMPTY)).start
    except _Entangled:
        return _without_states(dfa, letter)


class _Entangled(Exception):
    """A place or a look inside a loop, a look behind, or too much that is written out."""


@dataclass(frozen=True, slots=True)
class _ExpressionWriter:
    letter: Letter
    most: int  # parts of an expression
    _sizes: dict[int, tuple[Node, int]] = field(default_factory=dict, init=False)

    def before(self, tree: Tree, rest: _Rest) -> _Rest:
        """*tree* and then *rest*."""
        if _is_plain(tree) and rest.is_same and rest.start == rest.word:
            return _Rest.same(_then(self._plain(tree), rest.word))
        found = self._before(tree, rest)
        # What follows is written more than once where there are alternatives: again and again, in
        # a row of them.
        if sum(map(self._size, (found.start, found.word, found.other))) > self.most:
            raise _Entangled
        return found

    def _size(self, node: Node) -> int:
        """The parts of *node*, counted as often as they are written."""
        _, size = self._sizes.get(id(node), (node, 0))
        if not size:
            size = 1 + sum(map(self._size, children(node)))
            self._sizes[id(node)] = node, size  # kept with it, so that its id stays its own
        return size

    def _before(self, tree: Tree, rest: _Rest) -> _Rest:
        match tree:
            case Chars(characters):
                return _Rest.same(self._character(characters, rest))
            case Series(items):
                return self._series(items, rest)
            case Either(options):
                ways = [self.before(option, rest) for option in options]
                return _Rest(
                    _either(way.start for way in ways),
                    _either(way.word for way in ways),
                    _either(way.other for way in ways),
                )
            case Times():
                return self._times(tree, rest)
            case At():
                return self._place(tree, rest)
            case Look():
                return self._look(tree, rest)

    def _series(self, items: tuple[Tree, ...], rest: _Rest) -> _Rest:
        at = len(items)
        while at:
            at -= 1
            item = items[at]
            if isinstance(item, Look) and not item.ahead:
                start = self._seen(items[:at], item)
                if not any(map(_shortest, items[start:at])) and rest != _Rest.same(rest.start):
                    raise _Entangled
                rest = self._read(self._looking_back(items[start:at], item), rest)
                at = start
            else:
                rest = self.before(item, rest)
        return rest

    def _seen(self, items: tuple[Tree, ...], look: Look) -> int:
        """Index from which the items are all that *look*, behind them, can see."""
        longest = _longest(look.item)
        start, seen = len(items), 0
        while start and _is_plain(items[start - 1]):
            start -= 1
            seen += _shortest(items[start])
            if longest is not None and seen >= longest:
                return start
        if start and items[start - 1] == At("start") and _is_plain(look.item):
            return start
        raise _Entangled

    def _looking_back(self, items: tuple[Tree, ...], look: Look) -> Node:
        if not _is_plain(look.item):
            raise _Entangled
        behind = sequence(Repeat(self.letter(ALL)), self._plain(look.item))
        seen = _in_order(map(self._plain, items))
        return Both((seen, behind if look.holds else Not(behind)))

    def _plain(self, tree: Tree) -> Node:
        """An expression of characters only."""
        match tree:
            case Chars(characters):
                return self.letter(characters)
            case Series(items):
                return _in_order(map(self._plain, items))
            case Either(options):
                return _either(map(self._plain, options))
            case Times(item, least, most):
                inner = self._plain(item)
                return _EMPTY if inner == _EMPTY or most == 0 else Repeat(inner, least, most)
            case _:
                raise AssertionError(tree)

    def _character(self, characters: Charset, rest: _Rest) -> Node:
        if rest.is_same:
            return _then(self.letter(characters), rest.word)
        words = intersection(characters, WORD)
        others = intersection(characters, complement(WORD))
        return _either(
            _then(self.letter(some), after)
            for some, after in ((words, rest.word), (others, rest.other))
            if some
        )

    def _times(self, tree: Times, rest: _Rest) -> _Rest:
        if _is_plain(tree.item):
            return self._plain_times(tree, rest)
        if tree.most is None or tree.most > _MOST_COPIES:
            raise _Entangled
        for _ in range(tree.most - tree.least):
            once, none = self.before(tree.item, rest), rest
            rest = _Rest(
                choice(once.start, none.start),
                choice(once.word, none.word),
                choice(once.other, none.other),
            )
        for _ in range(tree.least):
            rest = self.before(tree.item, rest)
        return rest

    def _plain_times(self, tree: Times, rest: _Rest) -> _Rest:
        inner = self._plain(tree)
        if not _shortest(tree):
            some = Both((inner, Repeat(self.letter(ALL), 1)))
            read = self._read(some, rest).start
            return rest.each(lambda none: _either([read, none]))
        return self._read(inner, rest)

    def _read(self, some: Node, rest: _Rest) -> _Rest:
        """*some* characters, and then *rest*, to which only matters what they end with."""
        if rest.is_same:
            return _Rest.same(_then(some, rest.word))
        anything = Repeat(self.letter(ALL))
        ends = ((WORD, rest.word), (complement(WORD), rest.other))
        ways = (
            _then(Both((some, sequence(anything, self.letter(last)))), after)
            for last, after in ends
        )
        return _Rest.same(_either(ways))

    def _place(self, at: At, rest: _Rest) -> _Rest:
        anything = Repeat(self.letter(ALL))
        word = sequence(self.letter(WORD), anything)
        other = optional(sequence(self.letter(complement(WORD)), anything))
        match at.place:
            case "start":
                return _Rest(rest.start, NEVER, NEVER)
            case "end":
                return rest.each(partial(_both, _EMPTY))
            case "edge":
                return _Rest(
                    _both(word, rest.start), _both(other, rest.word), _both(word, rest.other)
                )
            case "no edge":
                return _Rest(
                    _both(other, rest.start), _both(word, rest.word), _both(other, rest.other)
                )

    def _look(self, look: Look, rest: _Rest) -> _Rest:
        if not look.ahead:
            raise _Entangled
        wanted = self.before(look.item, _Rest.same(Repeat(self.letter(ALL))))
        if not look.holds:
            wanted = wanted.each(lambda node: Both((Repeat(self.letter(ALL)), Not(node))))
        return _Rest(
            _both(wanted.start, rest.start),
            _both(wanted.word, rest.word),
            _both(wanted.other, rest.other),
        )


def _is_plain(tree: Tree) -> bool:
    return not any(isinstance(node, At | Look) for node in nodes(tree))


def _shortest(tree: Tree) -> int:
    """The length of the shortest text, as far as characters tell."""
    match tree:
        case Chars():
            return 1
        case Series(items):
            return sum(map(_shortest, items))
        case Either(options):
            return min(map(_shortest, options))
        case Times(item, least):
            return least * _shortest(item)
        case _:
            return 0


def _longest(tree: Tree) -> int | None:
    """The length of the longest text; None if there is no limit."""
    match tree:
        case Chars():
            return 1
        case Series(items):
            found = [_longest(item) for item in items]
            return None if None in found else sum(filter(None, found))
        case Either(options):
            found = [_longest(option) for option in options]
            return None if None in found else max(filter(None, found), default=0)
        case Times(item, _, most):
            inner = _longest(item)
            return inner * most if most is not None and inner is not None else None
        case _:
            return 0


# Making rules small.


def _then(first: Node, rest: Node) -> Node:
    return NEVER if NEVER in (first, rest) else sequence(first, rest)


def _in_order(items: Iterable[Node]) -> Node:
    found = list(items)
    return NEVER if NEVER in found else sequence(*found)


def _either(options: Iterable[Node]) -> Node:
    return choice(*options)


def _both(condition: Node, rest: Node) -> Node:
    """*rest* where it meets the *condition*."""
    if NEVER in (condition, rest):
        return NEVER
    if condition == _EMPTY and (found := _is_empty_among(rest)) is not None:
        return _EMPTY if found else NEVER
    return Both((condition, rest))


def _is_empty_among(node: Node) -> bool | None:
    """True if *node* has the empty text; None if that is not plain to see."""
    match node:
        case Literal(text):
            return text == ""
        case Repeat(least=0):
            return True
        case Sequence(items):
            found = [_is_empty_among(item) for item in items]
            return None if None in found and False not in found else False not in found
        case Choice(options):
            found = [_is_empty_among(option) for option in options]
            return None if None in found and True not in found else True in found
        case CharClass():
            return False
        case _:
            return None


# From an automaton.


def _without_states(dfa: Dfa, letter: Letter) -> Node:
    """The expression of an automaton: what leads around a state replaces the state."""
    start, end = -2, -3
    ways: dict[int, dict[int, _Way]] = {start: {0: _Way(_EMPTY, 1)}}
    for state in range(len(dfa.moves)):
        ways[state] = {
            target: _Way(letter(found), 1) for target, found in dfa.targets(state).items()
        }
        if state in dfa.accepting:
            ways[state][end] = _Way(_EMPTY, 1)
    while len(ways) > 1:
        state = min((s for s in ways if s != start), key=lambda s: _cost(ways, s))
        out = ways.pop(state)
        loop = out.pop(state, None)
        for there in ways.values():
            into = there.pop(state, None)
            if into is not None:
                for target, last in out.items():
                    there[target] = _around(into, loop, last, there.get(target))
    return ways[start][end].node


class _Way(NamedTuple):
    """Expression that leads from one state to another, and of how many parts it is made."""

    node: Node
    size: int


def _around(into: _Way, loop: _Way | None, last: _Way, known: _Way | None) -> _Way:
    parts = [way for way in (into, loop, last, known) if way is not None]
    size = sum(way.size for way in parts)
    if size > _MOST_PARTS:
        raise Unsupported("its automaton is too large to be written as an expression")
    again = _EMPTY if loop is None else Repeat(loop.node)
    found = sequence(into.node, again, last.node)
    return _Way(found if known is None else Choice((known.node, found)), size)


def _cost(ways: dict[int, dict[int, _Way]], state: int) -> int:
    into = sum(state in there for there in ways.values())
    return into * len(ways[state])
