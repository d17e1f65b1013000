"""Finding several markers at once, as an automaton (Aho and Corasick).

State 0 is "nothing of a marker seen".  ``Until`` stops in the first finished state, ``Without``
may never enter one, and neither may enter a barred one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Searcher:
    """Aho-Corasick automaton of markers: transitions, and states in which one has just ended.

    ``moves[state]`` holds the characters that lead anywhere but to state 0.
    """

    moves: list[dict[str, int]] = field(default_factory=lambda: [{}])
    finished: set[int] = field(default_factory=set)
    barred: set[int] = field(default_factory=set)  # finished, but by a text that may not occur

    @classmethod
    def of(cls, markers: tuple[str, ...], barred: tuple[str, ...] = ()) -> Searcher:
        """The searcher for *markers*, and for texts that may not occur before one."""
        self = cls()
        self.barred = {self._add(text) for text in barred}
        self.barred -= {self._add(marker) for marker in markers}
        self._link()
        return self

    def step(self, state: int, character: str) -> int:
        """The state after *character*."""
        return self.moves[state].get(character, 0)

    def open_states(self) -> list[int]:
        """The states that reading can be in without having met a marker."""
        seen = {0} - self.finished
        waiting = list(seen)
        while waiting:
            for target in self.moves[waiting.pop()].values():
                if target not in seen and target not in self.finished:
                    seen.add(target)
                    waiting.append(target)
        return sorted(seen)

    def _add(self, marker: str) -> int:
        state = 0
        for character in marker:
            if character not in self.moves[state]:
                self.moves[state][character] = len(self.moves)
                self.moves.append({})
            state = self.moves[state][character]
        self.finished.add(state)
        return state

    def _link(self) -> None:
        """Complete the trie: where it has no way on, go on from the longest suffix that has."""
        suffix = [0] * len(self.moves)
        waiting = deque(self.moves[0].values())
        while waiting:
            state = waiting.popleft()
            if suffix[state] in self.finished and state not in self.finished:
                self.finished.add(state)
                self.barred |= {state} if suffix[state] in self.barred else set()
            for character, target in self.moves[state].items():
                suffix[target] = self.moves[suffix[state]].get(character, 0)
                waiting.append(target)
            self.moves[state] = self.moves[suffix[state]] | self.moves[state]
