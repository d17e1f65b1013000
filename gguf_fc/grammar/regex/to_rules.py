"""An automaton as rules: one for each state from which there is a choice.

A state with one way on is written into the rule that leads to it, and runs of the same character
become counts; so ``[0-9]{4}-[0-9]{2}`` comes out much as it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gguf_fc.grammar.regex.charset import Charset
from gguf_fc.grammar.regex.dfa import DEAD, Dfa
from gguf_fc.grammar.rules import (
    NEVER,
    Builder,
    Literal,
    Node,
    Reference,
    Repeat,
    choice,
    optional,
    sequence,
)

_SHORT_RUN = 2  # characters that are not worth a count


def automaton_rules(dfa: Dfa, letter: Callable[[Charset], Node], builder: Builder) -> Node:
    """The texts *dfa* accepts, each character written as *letter* does."""
    if dfa.is_empty:
        return NEVER
    return _RuleWriter(dfa, letter, builder).write()


@dataclass(slots=True, eq=False)
class _RuleWriter:
    dfa: Dfa
    letter: Callable[[Charset], Node]
    builder: Builder
    _rules: dict[int, Reference] = field(default_factory=dict, init=False)
    _waiting: list[int] = field(default_factory=list, init=False)
    _targets: list[list[tuple[int, Charset]]] = field(default_factory=list, init=False)
    _entries: list[int] = field(default_factory=list, init=False)

    def write(self) -> Node:
        count = len(self.dfa.moves)
        self._targets = [list(self.dfa.targets(state).items()) for state in range(count)]
        self._entries = [1] + [0] * (count - 1)  # the start is entered from outside
        for row in self.dfa.moves:
            for target in set(row) - {DEAD}:
                self._entries[target] += 1
        start = self._from(0)
        while self._waiting:
            state = self._waiting.pop()
            self.builder.fill(self._rules[state], self._choice(state))
        return start

    def _from(self, state: int) -> Node:
        """Everything from *state* on."""
        return _joined([*self._run(state)])

    def _run(self, state: int) -> list[Node]:
        """The pieces from *state* on, up to where a rule takes over."""
        pieces: list[Node] = []
        seen: set[int] = set()
        while True:
            ways = self._targets[state]
            accepting = state in self.dfa.accepting
            if accepting and not ways:
                return pieces
            tail = self._optional_run(state) if accepting else None
            if tail is not None:
                return [*pieces, tail]
            if accepting or len(ways) != 1 or state in seen or state in self._rules:
                return [*pieces, self._rule(state)]
            seen.add(state)
            (target, characters) = ways[0]
            pieces.append(self.letter(characters))
            if self._entries[target] > 1 and self._targets[target]:
                return [*pieces, self._shared(target)]
            state = target

    def _shared(self, state: int) -> Node:
        """A state that several lead to."""
        if state in self.dfa.accepting and (tail := self._optional_run(state)) is not None:
            return tail
        return self._rule(state)

    def _optional_run(self, state: int) -> Node | None:
        """Up to so many of the same, or any number; None where it is not as simple as that."""
        count = 0
        first: Charset | None = None
        while True:
            ways = self._targets[state]
            if state not in self.dfa.accepting or len(ways) > 1:
                return None
            if not ways:
                return None if first is None else Repeat(self.letter(first), 0, count)
            target, characters = ways[0]
            if first not in (None, characters):
                return None
            first = characters
            if target == state:
                return Repeat(self.letter(first)) if count == 0 else None
            state = target
            count += 1

    def _rule(self, state: int) -> Reference:
        if state not in self._rules:
            self._rules[state] = self.builder.reserve("text")
            self._waiting.append(state)
        return self._rules[state]

    def _choice(self, state: int) -> Node:
        options: list[Node] = []
        for target, characters in self._targets[state]:
            after = self._shared(target) if self._entries[target] > 1 else self._from(target)
            if target == state:
                after = self._rules[state]
            elif not self._targets[target]:
                after = Literal("")
            options.append(sequence(self.letter(characters), after))
        ways = choice(*options)
        return optional(ways) if state in self.dfa.accepting else ways


def _joined(pieces: list[Node]) -> Node:
    """*pieces* in order, runs of the same one counted."""
    joined: list[Node] = []
    at = 0
    while at < len(pieces):
        end = at
        while end < len(pieces) and pieces[end] == pieces[at]:
            end += 1
        count = end - at
        if count > _SHORT_RUN and not isinstance(pieces[at], Literal | Repeat):
            joined.append(Repeat(pieces[at], count, count))
        else:
            joined.extend(pieces[at:end])
        at = end
    return sequence(*joined)
