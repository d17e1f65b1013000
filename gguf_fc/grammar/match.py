"""Matcher: decides whether a text is in the language of some rules.

Theory of operation.  What may still come is a *stack*: a part of the grammar and, below it, what
follows.  Parts and stacks are stored once each, so both are integers and two equal ones are the
same integer.  Reading one character takes a set of stacks to the next set.

1. A stack is *expanded* until its top reads a character: sequences are pushed, choices fork,
   references are replaced, and a repeat becomes its item on top of the repeat that remains.
2. A set of expanded stacks is itself a number, and where a character leads from it is
   remembered: the inside of a string is one look-up a character.
3. Nothing recurses over the text, so neither its length nor its nesting is limited.

Left recursion would expand for ever; ``prune`` refuses it before the rules come here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.rules import (
    Both,
    CharClass,
    Choice,
    Literal,
    Node,
    Not,
    Reference,
    Regular,
    Repeat,
    Rules,
    Sequence,
    Special,
    Token,
    Unlike,
    Until,
    Without,
)
from gguf_fc.grammar.search.aho_corasick import Searcher
from gguf_fc.grammar.search.trie import Trie

_EMPTY = 0  # the stack on which nothing is left to match
_MAX_STACKS = 20_000  # at one position: beyond it a grammar is ambiguous without bound
_MAX_REMEMBERED = 300_000  # cells or moves, after which a matcher starts afresh


# The parts.  They refer to each other by number.


@dataclass(frozen=True, slots=True)
class _Text:
    """Rest of a literal, from *start* on."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class _Search:
    """Text up to (or, if not *until*, without) the markers, seen from a state of the searcher."""

    markers: tuple[str, ...]
    barred: tuple[str, ...]
    state: int
    until: bool


@dataclass(frozen=True, slots=True)
class _All:
    items: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Any:
    options: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Loop:
    item: int
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Beside:
    """The rest of a text that so far agrees with known ones, up to a node of their trie."""

    trie: int
    kind: int  # which ``_UnlikePieces``


@dataclass(frozen=True, slots=True)
class _Letter:
    """A plain character of such a text, and then its rest."""

    trie: int
    kind: int


@dataclass(frozen=True, slots=True)
class _UnlikePieces:
    """Pieces that the texts of one ``Unlike`` are made of."""

    plain: CharClass
    escape: int
    free: int  # the rest once a text agrees with none of the known ones


_Reading = CharClass | _Text | _Search | _Letter | Special
_Inner = _All | _Any | _Loop | _Beside | Reference
_Part = _Reading | _Inner


class Matcher:
    """Answers for one set of rules; keeps what it learned between texts."""

    def __init__(self, rules: Rules) -> None:
        self._searchers: dict[tuple[tuple[str, ...], tuple[str, ...]], Searcher] = {}
        self._tries: list[Trie] = []
        self._trie_numbers: dict[Trie, int] = {}
        self._unlikes: list[_UnlikePieces] = []
        self._parts: list[_Part] = []
        self._part_numbers: dict[_Part, int] = {}
        self._rules = {name: self._compile(node) for name, node in rules.named.items()}
        self._root = self._rules[rules.root]
        self._forget()

    def matches(self, text: Iterable[str]) -> bool:
        """True if the whole of *text* is in the language.

        Its items are characters, or tokens as ``Special`` writes them.
        """
        state = self._walk(text)
        return state is not None and _EMPTY in self._states[state]

    def begins(self, text: Iterable[str]) -> bool:
        """True if *text* can be continued to one in the language, or is in it."""
        return self._walk(text) is not None

    def _compile(self, node: Node) -> int:
        return self._number_of_part(self._part_of(node))

    def _part_of(self, node: Node) -> _Part:
        match node:
            case Literal(text):
                return _Text(text, 0) if text else _All(())
            case Sequence(items):
                return _All(tuple(map(self._compile, items)))
            case Choice(options):
                return _Any(tuple(map(self._compile, options)))
            case Repeat(item, least, most):
                return _Loop(self._compile(item), least, most)
            case Until() | Without():
                return self._search(node)
            case Token(item) | Regular(states=item):
                return self._part_of(item)
            case Unlike(texts, plain, escape):
                free = self._compile(Repeat(Choice((plain, escape))))
                self._unlikes.append(_UnlikePieces(plain, self._compile(escape), free))
                return _Beside(self._number_of_trie(Trie.of(texts)), len(self._unlikes) - 1)
            case CharClass() | Reference() | Special():
                return node
            case Both() | Not():
                raise AssertionError(node)

    def _search(self, node: Until | Without) -> _Part:
        until = isinstance(node, Until)
        if "" in node.markers:  # it occurs at once, before any character
            return _All(()) if until else _Any(())
        barred = node.barred if isinstance(node, Until) else ()
        self._searchers[node.markers, barred] = Searcher.of(node.markers, barred)
        return _Search(node.markers, barred, 0, until)

    def _number_of_part(self, part: _Part) -> int:
        number = self._part_numbers.setdefault(part, len(self._parts))
        if number == len(self._parts):
            self._parts.append(part)
        return number

    def _number_of_trie(self, trie: Trie) -> int:
        number = self._trie_numbers.setdefault(trie, len(self._tries))
        if number == len(self._tries):
            self._tries.append(trie)
        return number

    def _beside(self, trie: Trie, kind: int) -> int:
        return self._number_of_part(_Beside(self._number_of_trie(trie), kind))

    def _forget(self) -> None:
        self._cells: list[tuple[int, int]] = [(-1, -1)]  # number 0 is the empty stack
        self._cell_numbers: dict[tuple[int, int], int] = {}
        self._expanded: dict[int, tuple[int, ...]] = {}
        self._states: list[frozenset[int]] = []
        self._state_numbers: dict[frozenset[int], int] = {}
        self._moves: dict[tuple[int, str], int | None] = {}

    def _walk(self, text: Iterable[str]) -> int | None:
        """The state after *text*; None if no text in the language begins so."""
        if len(self._cells) > _MAX_REMEMBERED or len(self._moves) > _MAX_REMEMBERED:
            self._forget()
        state = self._number_of_state(frozenset(self._expand(self._push(self._root, _EMPTY))))
        moves = self._moves
        for character in text:
            key = (state, character)
            after = moves[key] if key in moves else self._move(state, character)
            if after is None:
                return None
            state = after
        return state

    def _move(self, state: int, character: str) -> int | None:
        reached: set[int] = set()
        read = self._read if len(character) == 1 else self._read_token
        for stack in self._states[state]:
            if stack != _EMPTY:
                reached.update(read(stack, character))
        if len(reached) > _MAX_STACKS:
            raise GrammarError("this grammar is too ambiguous to decide whether the text matches")
        after = self._number_of_state(frozenset(reached)) if reached else None
        self._moves[state, character] = after
        return after

    def _number_of_state(self, stacks: frozenset[int]) -> int:
        number = self._state_numbers.setdefault(stacks, len(self._states))
        if number == len(self._states):
            self._states.append(stacks)
        return number

    def _push(self, part: int, below: int) -> int:
        cell = (part, below)
        number = self._cell_numbers.setdefault(cell, len(self._cells))
        if number == len(self._cells):
            self._cells.append(cell)
        return number

    def _read(self, stack: int, character: str) -> tuple[int, ...]:
        """The expanded stacks after the top of *stack* has read *character*."""
        number, below = self._cells[stack]
        part = self._parts[number]
        match part:
            case CharClass() | Special():
                return self._expand(below) if _holds(part, character) else ()
            case _Text(text, start):
                if text[start] != character:
                    return ()
                if start + 1 == len(text):
                    return self._expand(below)
                return (self._push(self._number_of_part(_Text(text, start + 1)), below),)
            case _Letter(trie, kind):
                if not _holds(self._unlikes[kind].plain, character):
                    return ()
                target = self._tries[trie].after.get(character)
                rest = self._unlikes[kind].free if target is None else self._beside(target, kind)
                return self._expand(self._push(rest, below))
            case _Search(markers, barred, state, until):
                searcher = self._searchers[markers, barred]
                state = searcher.step(state, character)
                if state in searcher.finished:
                    ends = until and state not in searcher.barred
                    return self._expand(below) if ends else ()
                left = self._number_of_part(_Search(markers, barred, state, until))
                return self._expand(self._push(left, below))
            case _:
                raise AssertionError(part)

    def _read_token(self, stack: int, token: str) -> tuple[int, ...]:
        """The same for a token, which no text matches."""
        number, below = self._cells[stack]
        part = self._parts[number]
        matched = isinstance(part, Special) and (token == part.written) != part.negated
        return self._expand(below) if matched else ()

    def _expand(self, stack: int) -> tuple[int, ...]:
        """The stacks, each with a reading part on top or empty, that *stack* stands for."""
        known = self._expanded.get(stack)
        if known is not None:
            return known
        found: list[int] = []
        seen = {stack}
        waiting = [stack]
        while waiting:
            current = waiting.pop()
            after: tuple[int, ...] = ()
            if current == _EMPTY:
                found.append(current)
            else:
                number, below = self._cells[current]
                part = self._parts[number]
                if isinstance(part, _Reading):
                    found.append(current)
                    if isinstance(part, _Search) and not part.until:
                        after = (below,)
                else:
                    after = self._unfold(part, below)
            for target in after:
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        self._expanded[stack] = tuple(found)
        return self._expanded[stack]

    def _unfold(self, part: _Inner, below: int) -> tuple[int, ...]:
        """One step of expansion."""
        match part:
            case _All(items):
                for item in reversed(items):
                    below = self._push(item, below)
                return (below,)
            case _Any(options):
                return tuple(self._push(option, below) for option in options)
            case Reference(name):
                return (self._push(self._rules[name], below),)
            case _Beside(trie, kind):
                return self._aside(self._tries[trie], kind, below)
            case _Loop(item, least, most):
                if most == 0:
                    return (below,)
                left = _Loop(item, max(0, least - 1), None if most is None else most - 1)
                rest = below if most == 1 else self._push(self._number_of_part(left), below)
                once = self._push(item, rest)
                return (once,) if least else (once, below)

    def _aside(self, trie: Trie, kind: int, below: int) -> tuple[int, ...]:
        """Ways on for a text that agrees with known ones up to *trie*."""
        letter = self._number_of_part(_Letter(self._number_of_trie(trie), kind))
        ways = [self._push(letter, below)]
        if not trie.ends:
            ways.append(below)
        known = {piece: after for piece, after in trie.after.items() if len(piece) > 1}
        for piece, after in known.items():
            rest = self._push(self._beside(after, kind), below)
            ways.append(self._push(self._number_of_part(_Text(piece, 0)), rest))
        if not known:
            unlike = self._unlikes[kind]
            ways.append(self._push(unlike.escape, self._push(unlike.free, below)))
        return tuple(ways)


def _holds(characters: CharClass | Special, character: str) -> bool:
    if isinstance(characters, Special):
        return characters.negated  # a character may be a token too, but never a named one
    code = ord(character)
    inside = any(low <= code <= high for low, high in characters.ranges)
    return inside != characters.negated
