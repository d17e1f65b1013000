"""Guessing tokens ahead, so that one batch can decide several.

Knows constraints, vocabularies and the odds; evaluates nothing and decides nothing: ``chooser``
takes only what it would have chosen anyway.

Theory of operation.
1. A draft begins after all that is certain.  Each next token is the likeliest of a few guesses:
   - *spelling*: the grammar leaves one text, though not one way to cut it into tokens;
   - *prediction*: how the client's own prediction went on;
   - *copy*: how the prompt or the reply went on where the same tokens stood;
   - *closing*: the mark that ends a free value, where the grammar leaves one text after it.
     Values end where words do, so it is no guess within a word that is being copied.
2. A guess that the grammar refuses is no guess.  What the grammar forces after a guess goes with
   it.  A token that ends the reply is never guessed.
3. Each kind of guess has its own rate, places by how many tokens agree and whether the last of
   them is a part of a word: after marks, much agrees that means nothing.  A draft ends where it no
   longer pays; so drafts grow where they are right, and there are none where they are not, where
   a batch costs too much, or where many streams share it.
4. A draft holds for one step and uses nothing that the reply depends on: it asks a copy of the
   constraint and draws no random number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gguf_fc.engine.constraint import Constraint
from gguf_fc.engine.lookup import LONGEST, Lookup
from gguf_fc.engine.model import Vocabulary
from gguf_fc.engine.odds import Costs, Rate
from gguf_fc.errors import EngineError

logger = logging.getLogger(__name__)

MOST = 24  # tokens of a draft
COUNTED = 4  # tokens in common beyond which a place is no better
LONGEST_REST = 16  # positions
SPELLING, PREDICTION, COPY, CLOSING = "spelling", "prediction", "copy", "closing"
FORCED = "forced"  # by the grammar, after the guess before it


@dataclass(frozen=True, slots=True)
class Guess:
    """A token, and what kind of guess it is."""

    token: int
    kind: str

    @property
    def is_prediction(self) -> bool:
        """Whether it was taken from the client's prediction."""
        return self.kind.startswith(PREDICTION)


@dataclass(slots=True, eq=False)
class Habits:
    """What the sequences of a model learn from each other."""

    vocabulary: Vocabulary
    costs: Costs = field(default_factory=Costs)
    _rates: dict[str, Rate] = field(default_factory=dict, init=False)

    def rate(self, kind: str) -> Rate:
        """How often that kind of guess was right."""
        return self._rates.setdefault(kind, Rate())


class Drafter:
    """Drafts for one sequence, whose *tokens* grow; *prediction* is what its client expects."""

    def __init__(self, habits: Habits, tokens: list[int], prediction: list[int]) -> None:
        self._habits = habits
        self._text = Lookup(tokens)
        self._prediction = Lookup([tokens[-1], *prediction])  # a reply begins where a prompt ends
        self._rates: dict[str, Rate] = {}
        self._n_vain = 0  # searches for a closing, in a row, that found none
        self._n_resting = 0  # positions until the next search

    def propose(
        self, forced: Sequence[int], constraint: Constraint | None, most: int, n_streams: int
    ) -> list[Guess]:
        """Guesses for what follows the sequence's tokens and those that are *forced* after them.

        At most *most*, and as many as pay while *n_streams* decode.
        """
        tail = [*self._text.tokens[-LONGEST:], *forced]
        draft: list[Guess] = []
        try:
            state = constraint.copy() if constraint else None
            self._extend(draft, tail, state, min(most, MOST), n_streams)
        except EngineError:
            logger.debug("a draft went beyond its grammar; the reply fails if it gets there")
        return draft[:most]

    def _extend(
        self,
        draft: list[Guess],
        tail: list[int],
        state: Constraint | None,
        most: int,
        n_streams: int,
    ) -> None:
        least_chance = self._habits.costs.least_chance
        chance = 1.0
        while len(draft) < most and (guess := self._best(tail, state)):
            rate = self._rate(guess.kind)
            chance *= rate.chance
            if chance < least_chance(n_streams, 1):
                rate.pass_by()
                return
            followers = _follow(state, guess.token)
            draft += [guess, *(Guess(token, FORCED) for token in followers)]
            tail += [guess.token, *followers]
            if chance < least_chance(n_streams, 1 + len(followers)):
                return

    def judge(self, draft: Sequence[Guess], n_right: int, *, decided: bool) -> None:
        """The first *n_right* of *draft* were right; the next was wrong if that was *decided*."""
        for at, guess in enumerate(draft[: n_right + decided]):
            if guess.kind != FORCED:
                self._rate(guess.kind).note(hit=at < n_right)

    def _rate(self, kind: str) -> Rate:
        if kind not in self._rates:
            self._rates[kind] = Rate(self._habits.rate(kind))
        return self._rates[kind]

    def _best(self, tail: Sequence[int], state: Constraint | None) -> Guess | None:
        """The likeliest next token, as far as there is anything to go by."""
        ends = self._habits.vocabulary.ends
        guesses = [
            guess
            for guess in self._guesses(tail, state)
            if guess.token not in ends and (state is None or state.allows(guess.token))
        ]
        return max(guesses, key=lambda guess: self._rate(guess.kind).chance, default=None)

    def _guesses(self, tail: Sequence[int], state: Constraint | None) -> Iterator[Guess]:
        if state and (spelling := state.spelling()) is not None:
            self._n_vain = 0
            yield Guess(spelling, SPELLING)
            return
        copies = [
            *self._placed(PREDICTION, self._prediction, tail),
            *self._placed(COPY, self._text, tail),
        ]
        yield from copies
        if state and not any(map(self._goes_on_a_word, copies)):
            closing = self._closing(state)
            if closing is not None:
                yield Guess(closing, f"{CLOSING} {'after a copy' if copies else 'alone'}")

    def _closing(self, state: Constraint) -> int | None:
        """The end of a value; looked for ever more seldom where there are none, as in free text."""
        if self._n_vain and self._n_resting:
            self._n_resting -= 1
            return None
        closing = state.way_out()
        self._n_vain = 0 if closing is not None else self._n_vain + 1
        self._n_resting = min(self._n_vain, LONGEST_REST)
        return closing

    def _placed(self, kind: str, text: Lookup, tail: Sequence[int]) -> Iterator[Guess]:
        if place := text.find(tail):
            word = "" if self._ends_in_a_word(tail[-1]) else " after a mark"
            yield Guess(place.token, f"{kind} {min(place.n_common, COUNTED)}{word}")

    def _goes_on_a_word(self, guess: Guess) -> bool:
        return _is_letter(self._habits.vocabulary.pieces[guess.token][:1])

    def _ends_in_a_word(self, token: int) -> bool:
        return _is_letter(self._habits.vocabulary.pieces[token][-1:])


def _is_letter(byte: bytes) -> bool:
    """Whether *byte* is a part of a word: an ASCII letter or digit, or of another character."""
    return byte.isalnum() or byte >= b"\x80"


def _follow(state: Constraint | None, token: int) -> list[int]:
    """Take *token*; what must then follow."""
    if state is None:
        return []
    state.take(token)
    return state.forced()
