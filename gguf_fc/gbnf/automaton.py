"""Finding several markers at once, as an automaton (Aho and Corasick).

State 0 is "nothing of a marker seen".  ``Until`` stops in the first finished state, ``Without``
may never enter one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Searcher:
    """Where reading a character leads, and in which states a marker has just ended.

    ``moves[state]`` holds the characters that lead anywhere but to state 0.
    """

    moves: list[dict[str, int]] = field(default_factory=lambda: [{}])
    finished: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, markers: tuple[str, ...]) -> Searcher:
        """The searcher for *markers*."""
        self = cls()
        for marker in markers:
            self._add(marker)
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

    def _add(self, marker: str) -> None:
        state = 0
        for character in marker:
            if character not in self.moves[state]:
                self.moves[state][character] = len(self.moves)
                self.moves.append({})
            state = self.moves[state][character]
        self.finished.add(state)

    def _link(self) -> None:
        """Complete the trie: where it has no way on, go on from the longest suffix that has."""
        suffix = [0] * len(self.moves)
        waiting = deque(self.moves[0].values())
        while waiting:
            state = waiting.popleft()
            if suffix[state] in self.finished:
                self.finished.add(state)
            for character, target in self.moves[state].items():
                suffix[target] = self.moves[suffix[state]].get(character, 0)
                waiting.append(target)
            self.moves[state] = self.moves[suffix[state]] | self.moves[state]
