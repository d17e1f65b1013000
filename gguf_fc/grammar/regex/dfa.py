"""Deterministic automata over Unicode characters, and what can be made of several.

Knows texts as sequences of code points, nothing of how a language was described or is written.

State 0 is the start.  ``DEAD`` is the state from which nothing is accepted; it is never stored.
Sizes are bounded by the caller, since the automaton of two languages has as many states as both
have together, multiplied.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from gguf_fc.grammar.regex.charset import LAST, SURROGATES, Charset, charset, of, union

StateT = TypeVar("StateT", bound=Hashable)

DEAD = -1
_MOST_REFINED = 400_000  # moves of an automaton that is still minimised


class TooLarge(Exception):
    """The automaton would have more states than were allowed."""


@dataclass(frozen=True, eq=False)
class Dfa:
    """A finished automaton: every state can be reached, and from each a text can be finished."""

    alphabet: tuple[Charset, ...]  # disjoint, together all characters; a letter is an index
    moves: tuple[tuple[int, ...], ...]  # by state and letter
    accepting: frozenset[int]

    def accepts(self, text: str) -> bool:
        """True if *text* is in the language."""
        state = 0
        for character in text:
            state = self.moves[state][self.letter(ord(character))]
            if state == DEAD:
                return False
        return state in self.accepting

    def letter(self, code: int) -> int:
        """The letter that the character of that *code* belongs to."""
        starts, letters = self._index
        return letters[bisect_right(starts, code) - 1]

    @property
    def is_empty(self) -> bool:
        """True if no text is accepted."""
        return not self.accepting

    def is_all(self, state: int) -> bool:
        """True if every text is accepted from *state* on."""
        return state in self.accepting and set(self.moves[state]) == {state}

    def targets(self, state: int) -> dict[int, Charset]:
        """Targets of *state*, each with the characters that lead there."""
        grouped: dict[int, list[Charset]] = {}
        for letter, target in enumerate(self.moves[state]):
            if target != DEAD:
                grouped.setdefault(target, []).append(self.alphabet[letter])
        return {target: union(*sets) for target, sets in grouped.items()}

    def has_length(self, least: int, most: int | None) -> bool:
        """True if a text of so many characters is accepted."""
        level: frozenset[int] = frozenset([0]) if self.accepting else frozenset()
        for _ in range(least):
            level = self._after(level)
        seen: set[frozenset[int]] = set()
        length = least
        while level and level not in seen and not level & self.accepting:
            if length == most:
                return False
            seen.add(level)
            level = self._after(level)
            length += 1
        return bool(level & self.accepting)

    def _after(self, level: frozenset[int]) -> frozenset[int]:
        """The states that one more character leads to."""
        return frozenset(target for at in level for target in self.moves[at]) - {DEAD}

    @property
    def run(self) -> tuple[Charset, int] | None:
        """The characters and the count if this is "so many of these, or more"; else None."""
        state = 0
        characters: Charset | None = None
        while len(ways := self.targets(state)) == 1:
            target, found = next(iter(ways.items()))
            if characters not in (None, found):
                return None
            characters = found
            if target == state and self.accepting == {state}:
                return characters, state
            if target != state + 1 or state in self.accepting:
                return None
            state = target
        return None

    @cached_property
    def shortest(self) -> int:
        """The length of the shortest accepted text; 0 if there is none."""
        level, seen, length = {0}, {0}, 0
        while level and not level & self.accepting:
            level = {t for s in level for t in self.moves[s] if t != DEAD} - seen
            seen |= level
            length += 1
        return length if level else 0

    @cached_property
    def longest(self) -> int | None:
        """The length of the longest accepted text; None if there is no limit."""
        order: list[int] = []
        entered: set[int] = set()
        waiting = [(0, False)]
        left: set[int] = set()
        while waiting:
            state, leaving = waiting.pop()
            if leaving:
                left.add(state)
                order.append(state)
            elif state not in entered:
                entered.add(state)
                waiting.append((state, True))
                waiting.extend((target, False) for target in set(self.moves[state]) - {DEAD})
            elif state not in left:
                return None  # still being explored: a loop
        return self._longest_along(order)

    def _longest_along(self, order: list[int]) -> int | None:
        length: dict[int, int] = {}
        for state in order:
            after = [length[target] + 1 for target in set(self.moves[state]) - {DEAD}]
            length[state] = max(after, default=0)
        return length[0]

    @cached_property
    def _index(self) -> tuple[list[int], list[int]]:
        marks = sorted(
            (low, letter) for letter, ranges in enumerate(self.alphabet) for low, _ in ranges
        )
        return [low for low, _ in marks], [letter for _, letter in marks]


def partition(sets: Iterable[Charset]) -> tuple[tuple[Charset, ...], dict[Charset, frozenset[int]]]:
    """An alphabet whose letters do not lie across any of *sets*, and the letters of each."""
    distinct = list(dict.fromkeys(sets))
    first, last = SURROGATES
    changes = {0: 0, first: 0, last + 1: 0}
    for at, ranges in enumerate(distinct):
        for low, high in ranges:
            changes[low] = changes.get(low, 0) ^ (1 << at)
            changes[high + 1] = changes.get(high + 1, 0) ^ (1 << at)
    by_members: dict[int, list[tuple[int, int]]] = {}
    marks = sorted(changes)
    inside = 0
    for low, after in zip(marks, [*marks[1:], LAST + 1], strict=True):
        inside ^= changes[low]
        if low < after and not first <= low <= last:
            by_members.setdefault(inside, []).append((low, after - 1))
    letters = list(by_members)
    found = {
        ranges: frozenset(n for n, members in enumerate(letters) if members >> at & 1)
        for at, ranges in enumerate(distinct)
    }
    return tuple(charset(by_members[members]) for members in letters), found


def explore(
    start: StateT,
    row: Callable[[StateT], Iterable[StateT | None]],
    accepts: Callable[[StateT], bool],
    alphabet: Sequence[Charset],
    limit: int,
    *,
    minimal: bool = True,
) -> Dfa:
    """The automaton of the states that can be reached; ``TooLarge`` if there are over *limit*.

    *row* gives, for each letter, where a state leads; None where nothing is accepted any more.
    """
    numbers: dict[StateT | None, int] = {None: DEAD, start: 0}
    states = [start]
    moves: list[tuple[int, ...]] = []
    for state in states:
        targets = tuple(row(state))
        for target in targets:
            if target is not None and target not in numbers:
                if len(states) >= limit:
                    raise TooLarge
                numbers[target] = len(states)
                states.append(target)
        moves.append(tuple(map(numbers.__getitem__, targets)))
    accepting = {number for number, state in enumerate(states) if accepts(state)}
    return _finished(tuple(alphabet), moves, accepting, minimal=minimal)


def among(texts: Iterable[str]) -> Dfa:
    """Exactly *texts*."""
    wanted = set(texts)
    alphabet, _ = partition(of(letter) for text in wanted for letter in text)
    letters = [chr(ranges[0][0]) for ranges in alphabet]
    prefixes = {text[:end] for text in wanted for end in range(len(text) + 1)}

    def row(prefix: str) -> Iterator[str | None]:
        longer = (prefix + letter for letter in letters)
        return (text if text in prefixes else None for text in longer)

    return explore("", row, wanted.__contains__, alphabet, len(prefixes) + 1)


def meet(parts: Sequence[tuple[Dfa, bool]], limit: int) -> Dfa:
    """The texts that each part does, or (if False) does not, accept."""
    if len(parts) == 1 and parts[0][1]:
        return parts[0][0]
    alphabet, _ = partition(letter for dfa, _ in parts for letter in dfa.alphabet)
    codes = [ranges[0][0] for ranges in alphabet]
    own = [[dfa.letter(code) for code in codes] for dfa, _ in parts]
    needed = [at for at, (_, wanted) in enumerate(parts) if wanted]

    def row(state: tuple[int, ...]) -> Iterator[tuple[int, ...] | None]:
        columns = (
            [DEAD] * len(alphabet) if at == DEAD else [dfa.moves[at][letter] for letter in letters]
            for at, (dfa, _), letters in zip(state, parts, own, strict=True)
        )
        for after in zip(*columns, strict=True):
            yield None if any(after[at] == DEAD for at in needed) else after

    def accepts(state: tuple[int, ...]) -> bool:
        each = zip(parts, state, strict=True)
        return all((at in dfa.accepting) == wanted for (dfa, wanted), at in each)

    if not parts:
        return Dfa(alphabet, ((0,),), frozenset([0]))
    return explore((0,) * len(parts), row, accepts, alphabet, limit)


def counted(dfa: Dfa, least: int, most: int | None, limit: int) -> Dfa:
    """The texts of so many characters that *dfa* accepts."""
    deepest = least if most is None else most

    def row(state: tuple[int, int]) -> Iterator[tuple[int, int] | None]:
        at, count = state
        after = min(count + 1, deepest)
        full = count == most
        return (None if full or to == DEAD else (to, after) for to in dfa.moves[at])

    def accepts(state: tuple[int, int]) -> bool:
        return state[0] in dfa.accepting and state[1] >= least

    # Texts of different lengths are told apart anyway, so hardly any two states are equal.
    return explore((0, 0), row, accepts, dfa.alphabet, limit, minimal=False)


def _finished(
    alphabet: tuple[Charset, ...],
    moves: list[tuple[int, ...]],
    accepting: set[int],
    *,
    minimal: bool,
) -> Dfa:
    """Without states that lead nowhere; if *minimal*, with equal ones joined."""
    users: list[set[int]] = [set() for _ in moves]
    for state, row in enumerate(moves):
        for target in set(row) - {DEAD}:
            users[target].add(state)
    live = set(accepting)
    waiting = list(live)
    while waiting:
        for user in users[waiting.pop()] - live:
            live.add(user)
            waiting.append(user)
    if 0 not in live:
        return Dfa(alphabet, ((DEAD,) * len(alphabet),), frozenset())
    kept = [
        tuple(target if target in live else DEAD for target in row) if state in live else ()
        for state, row in enumerate(moves)
    ]
    block = list(range(len(moves)))
    if minimal and len(moves) * len(alphabet) <= _MOST_REFINED:
        block = _blocks(kept, live, accepting)
    return _numbered(alphabet, kept, accepting, block)


def _blocks(moves: list[tuple[int, ...]], live: set[int], accepting: set[int]) -> list[int]:
    """A block for each state; states of one block accept the same texts (Hopcroft)."""
    before: list[dict[int, list[int]]] = [{} for _ in range(max(map(len, moves)))]
    for state in live:
        for letter, target in enumerate(moves[state]):
            if target != DEAD:
                before[letter].setdefault(target, []).append(state)
    members = [accepting & live, live - accepting]
    block = [0 if state in accepting else 1 for state in range(len(moves))]
    waiting = {0, 1}
    while waiting:
        splitter = list(members[waiting.pop()])
        for inverse in before:
            for number, part in _entering(splitter, inverse, block).items():
                if len(part) == len(members[number]):
                    continue
                fresh = len(members)
                members[number] -= part
                members.append(part)
                for state in part:
                    block[state] = fresh
                smaller = fresh if len(part) <= len(members[number]) else number
                waiting.add(fresh if number in waiting else smaller)
    return block


def _entering(
    splitter: list[int], inverse: dict[int, list[int]], block: list[int]
) -> dict[int, set[int]]:
    """The states from which one letter leads into *splitter*, by their block."""
    found: dict[int, set[int]] = {}
    for target in splitter:
        for state in inverse.get(target, ()):
            found.setdefault(block[state], set()).add(state)
    return found


def _numbered(
    alphabet: tuple[Charset, ...],
    moves: list[tuple[int, ...]],
    accepting: set[int],
    block: list[int],
) -> Dfa:
    """One state for each block, the start first, in the order in which they are met."""
    numbers = {block[0]: 0}
    representatives = deque([0])
    rows: list[tuple[int, ...]] = []
    accepted: set[int] = set()
    while representatives:
        state = representatives.popleft()
        if state in accepting:
            accepted.add(len(rows))
        row: list[int] = []
        for target in moves[state]:
            if target != DEAD and block[target] not in numbers:
                numbers[block[target]] = len(numbers)
                representatives.append(target)
            row.append(DEAD if target == DEAD else numbers[block[target]])
        rows.append(tuple(row))
    return Dfa(alphabet, tuple(rows), frozenset(accepted))
