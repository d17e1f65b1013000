"""Regular expressions to automata.

Theory of operation.  A tree becomes a network of states; an automaton's state is a set of
*threads*, each a place in the network.  What is no text is settled while threads move:

1. A place (start, end, edge of a word) depends on the characters before and after, and both are
   known when the next one is read: the one before is part of the state.
2. Looking ahead gives the thread an *obligation*: the automaton of what has to follow, which reads
   along.  A thread may only finish if all its obligations do.  "Must not follow" is the same with
   the opposite answer.
3. Looking behind is an automaton that has read along from the beginning; where it accepts, what
   is behind matches.

All of this stays finite, and all of it is bounded: by places, states and steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gguf_fc.grammar.regex.charset import ALL, WORD, Charset
from gguf_fc.grammar.regex.dfa import DEAD, Dfa, TooLarge, explore, meet, partition
from gguf_fc.grammar.regex.parse import (
    At,
    Chars,
    Either,
    Look,
    Place,
    Series,
    Times,
    Tree,
    Unsupported,
    nodes,
)

MOST_STATES = 3_000
_MOST_PLACES = 20_000
_MOST_STEPS = 2_000_000  # of threads, over all states

Obligation = tuple[int, int]  # an automaton that reads ahead, and its state


class Thread(NamedTuple):
    """A place in the network and what must still turn out to be true."""

    at: int
    owed: frozenset[Obligation]


class PatternState(NamedTuple):
    """All that decides which continuations are accepted."""

    threads: frozenset[Thread]
    before: str  # "" at the start, then "word" or "other": what was read last
    behind: tuple[int, ...]  # states of the automata that look behind


@dataclass(frozen=True, slots=True)
class _PatternReader:
    letters: frozenset[int]
    after: int


@dataclass(frozen=True, slots=True)
class _Fork:
    """Goes on at several places without reading, each under a condition."""

    ways: tuple[tuple[Place | Look | None, int], ...]


def regex_automaton(tree: Tree) -> Dfa:
    """The automaton of the texts that *tree* matches as a whole.

    ``Unsupported`` if it would be too large, or looks around in a way that is not provided for.
    """
    edges = any(isinstance(node, At) and "edge" in node.place for node in nodes(tree))
    sets = [node.characters for node in nodes(tree) if isinstance(node, Chars)]
    alphabet, letters = partition([*sets, *([WORD] if edges else [])])
    words = letters.get(WORD, frozenset()) if edges else frozenset()
    try:
        return _Network(alphabet, letters, words).automaton(tree, "")
    except TooLarge as error:
        reason = f"its automaton has more than {MOST_STATES} states, or takes too long to build"
        raise Unsupported(reason) from error


@dataclass(slots=True, eq=False)
class _Network:
    """The places of one expression, and how threads move among them."""

    alphabet: tuple[Charset, ...]
    letters: dict[Charset, frozenset[int]]
    words: frozenset[int]
    _places: list[_PatternReader | _Fork | None] = field(default_factory=lambda: [None], init=False)
    _behind: list[tuple[Look, Dfa]] = field(default_factory=list, init=False)
    _ahead: list[Dfa] = field(default_factory=list, init=False)
    _ahead_numbers: dict[tuple[Look, str], int] = field(default_factory=dict, init=False)
    _known_ways: dict[tuple[Thread, str, tuple[int, ...]], dict[int, set[Thread]]] = field(
        default_factory=dict, init=False
    )
    _steps: int = field(default=0, init=False)

    def automaton(self, tree: Tree, before: str) -> Dfa:
        """The automaton of *tree*; *before* says what stands in front of the text."""
        start = self._place(tree, 0)
        threads = frozenset([Thread(start, frozenset())])
        first = PatternState(threads, before, (0,) * len(self._behind))
        return explore(first, self._row, self._accepts, self.alphabet, MOST_STATES)

    # Places.  Number 0 is the end; each tree is placed in front of what follows it.

    def _add(self, place: _PatternReader | _Fork | None) -> int:
        if len(self._places) >= _MOST_PLACES:
            raise Unsupported(f"it has more than {_MOST_PLACES} places")
        self._places.append(place)
        return len(self._places) - 1

    def _place(self, tree: Tree, after: int) -> int:
        match tree:
            case Chars(characters):
                return self._add(_PatternReader(self.letters[characters], after))
            case Series(items):
                for item in reversed(items):
                    after = self._place(item, after)
                return after
            case Either(options):
                ways = tuple((None, self._place(option, after)) for option in options)
                return self._add(_Fork(ways))
            case Times(item, least, most):
                return self._repeated(item, least, most, after)
            case At(place):
                return self._add(_Fork(((place, after),)))
            case Look():
                if not tree.ahead:
                    self._look_behind(tree)
                return self._add(_Fork(((tree, after),)))

    def _repeated(self, item: Tree, least: int, most: int | None, after: int) -> int:
        if most is None:
            loop = self._add(None)
            self._places[loop] = _Fork(((None, self._place(item, loop)), (None, after)))
            after = loop
        else:
            end = after
            for _ in range(most - least):
                after = self._add(_Fork(((None, self._place(item, after)), (None, end))))
        for _ in range(least):
            after = self._place(item, after)
        return after

    def _look_behind(self, look: Look) -> None:
        if any(look == known for known, _ in self._behind):
            return
        if any(isinstance(node, Look | At) for node in nodes(look.item) if node != At("start")):
            raise Unsupported("it looks behind in a way that depends on what follows")
        anything = Times(Chars(ALL), 0, None)
        inner = _Network(self.alphabet, self.letters | {ALL: _every(self.alphabet)}, frozenset())
        self._behind.append((look, inner.automaton(Series((anything, look.item)), "")))

    def _look_ahead(self, look: Look, before: str) -> int:
        """The automaton of what *look* wants to follow."""
        if (look, before) not in self._ahead_numbers:
            if any(isinstance(node, Look) and not node.ahead for node in nodes(look.item)):
                raise Unsupported("it looks behind from inside a look ahead")
            letters = self.letters | {ALL: _every(self.alphabet)}
            inner = _Network(self.alphabet, letters, self.words)
            anything = Times(Chars(ALL), 0, None)
            found = inner.automaton(Series((look.item, anything)), before)
            if not look.holds:
                found = meet([(found, False)], MOST_STATES)
            self._ahead_numbers[look, before] = len(self._ahead)
            self._ahead.append(found)
        return self._ahead_numbers[look, before]

    # Threads.

    def _row(self, state: PatternState) -> Iterator[PatternState | None]:
        """Transitions of *state*, letter by letter."""
        found: list[set[Thread]] = [set() for _ in self.alphabet]
        for thread in state.threads:
            ways = self._ways(thread, state)
            self._count_steps(sum(map(len, ways.values())))
            for letter, threads in ways.items():
                found[letter] |= threads
        for letter, threads in enumerate(found):
            if threads:
                behind = self._behind_after(state, letter) if self._behind else ()
                yield PatternState(frozenset(threads), self._kind(letter), behind)
            else:
                yield None

    def _behind_after(self, state: PatternState, letter: int) -> tuple[int, ...]:
        code = self.alphabet[letter][0][0]
        return tuple(
            at if at == DEAD else dfa.moves[at][dfa.letter(code)]
            for at, (_, dfa) in zip(state.behind, self._behind, strict=True)
        )

    def _kind(self, letter: int) -> str:
        return "word" if letter in self.words else "other"

    def _ways(self, thread: Thread, state: PatternState) -> dict[int, set[Thread]]:
        """Threads that *thread* may become after each letter that it can read."""
        key = (thread, state.before, state.behind)
        if key not in self._known_ways:
            ways: dict[int, set[Thread]] = {}
            for letter, reached in self._read(thread, state):
                ways.setdefault(letter, set()).add(reached)
            self._known_ways[key] = ways
        return self._known_ways[key]

    def _read(self, thread: Thread, state: PatternState) -> Iterator[tuple[int, Thread]]:
        for kind in ("other", "word") if self.words else ("other",):
            for at, owed in self._settled(thread, state, kind):
                place = self._places[at]
                if isinstance(place, _PatternReader):
                    for letter in place.letters:
                        left = self._owed_after(owed, letter)
                        if left is not None and self._kind(letter) == kind:
                            yield letter, Thread(place.after, left)

    def _owed_after(self, owed: frozenset[Obligation], letter: int) -> frozenset[Obligation] | None:
        left: set[Obligation] = set()
        code = self.alphabet[letter][0][0]
        for number, at in owed:
            dfa = self._ahead[number]
            target = dfa.moves[at][dfa.letter(code)]
            if target == DEAD:
                return None
            if not dfa.is_all(target):
                left.add((number, target))
        return frozenset(left)

    def _accepts(self, state: PatternState) -> bool:
        return any(
            at == 0 and all(s in self._ahead[number].accepting for number, s in owed)
            for thread in state.threads
            for at, owed in self._settled(thread, state, "")
        )

    def _settled(self, thread: Thread, state: PatternState, following: str) -> list[Thread]:
        """The readers, and perhaps the end, that *thread* comes to before the next character."""
        seen = {thread}
        waiting = [thread]
        found: list[Thread] = []
        while waiting:
            self._count_steps(1)
            current = waiting.pop()
            place = self._places[current.at]
            if not isinstance(place, _Fork):
                found.append(current)
                continue
            for condition, target in place.ways:
                owed = self._met(condition, current.owed, state, following)
                if owed is not None and (onward := Thread(target, owed)) not in seen:
                    seen.add(onward)
                    waiting.append(onward)
        return found

    def _count_steps(self, count: int) -> None:
        self._steps += count
        if self._steps > _MOST_STEPS:
            raise TooLarge

    def _met(
        self,
        condition: Place | Look | None,
        owed: frozenset[Obligation],
        state: PatternState,
        following: str,
    ) -> frozenset[Obligation] | None:
        """Condition that is still owed beyond a way with that *condition*; None if it is closed."""
        if condition is None:
            return owed
        if isinstance(condition, Look):
            if condition.ahead:
                number = self._look_ahead(condition, state.before)
                return None if self._ahead[number].is_empty else owed | {(number, 0)}
            at, dfa = self._known_behind(condition, state)
            return owed if (at in dfa.accepting) == condition.holds else None
        edge = (state.before == "word") != (following == "word")
        holds = {
            "start": state.before == "",
            "end": following == "",
            "edge": edge,
            "no edge": not edge,
        }
        return owed if holds[condition] else None

    def _known_behind(self, look: Look, state: PatternState) -> tuple[int, Dfa]:
        found = zip(state.behind, self._behind, strict=True)
        return next((at, dfa) for at, (known, dfa) in found if known == look)


def _every(alphabet: tuple[Charset, ...]) -> frozenset[int]:
    return frozenset(range(len(alphabet)))
