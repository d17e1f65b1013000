"""Speculative decoding: guessing tokens ahead, so that one batch can decide several.

Knows constraints, vocabularies and hit rates; evaluates nothing and decides nothing: ``chooser``
takes only what it would have chosen anyway.

Theory of operation.
1. A draft begins after all that is certain.  Each next token is the likeliest of a few guesses:
   - *spelling*: the grammar leaves one text, though not one way to cut it into tokens;
   - *prediction*: how the client's own prediction went on;
   - *copy*: prompt lookup, how the prompt or the reply went on after the same n-gram;
   - *closing*: the mark that ends a free value, where the grammar leaves one text after it.
     Values end where words do, so it is no guess within a word that is being copied.
2. A guess that the grammar refuses is dropped.  The tokens that it forces after a guess go with the
   guess.  A token that ends the reply is never guessed.
3. Each kind of guess has its own hit rate (``guesses`` lists the kinds).  Every guess is judged by
   what is then chosen, whether it was evaluated or not, so learning costs nothing.
4. The draft length is the one that saves most: a guess that is right saves the step in which it
   and what follows it would be evaluated, shared with the streams beside it; all of them make this
   step dearer.  So drafts grow where they are right, and nothing is evaluated ahead where they are
   wrong, where small batches are dear or where many streams share a step.  A guess after which
   the reply is over saves no step: the row before it decides as much.
5. Where a step is padded to whole kernel tiles, it is with the next guesses first, however
   unlikely they are.
6. A draft holds for one step and uses nothing that the reply depends on: it asks a copy of the
   constraint and draws no random number.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gguf_fc.engine.batching.costs import Costs
from gguf_fc.engine.constrain.constraint import Constraint
from gguf_fc.engine.model import Vocabulary
from gguf_fc.engine.speculate.guesses import (
    FORCED,
    SPELLING,
    Guess,
    GuessKind,
    closing,
    copied,
    goes_on_a_word,
)
from gguf_fc.engine.speculate.hit_rate import HitRate
from gguf_fc.engine.speculate.prompt_lookup import LONGEST, PromptLookup
from gguf_fc.errors import EngineError

logger = logging.getLogger(__name__)

MOST = 24  # tokens of the longest draft
CAUTION = 1.1  # factor on costs: what a draft costs is certain, what it saves is not
LEAST_CHANCE = 0.05  # that a draft is right as a whole; below it, nothing is added
LONGEST_REST = 16  # positions without a search for a closing, after vain ones


@dataclass(frozen=True, slots=True)
class Draft:
    """Guesses at the next tokens, the first *length* of which are to be evaluated."""

    guesses: tuple[Guess, ...] = ()
    length: int = 0

    @property
    def ahead(self) -> list[int]:
        """Tokens to evaluate."""
        return [guess.token for guess in self.guesses[: self.length]]


NO_DRAFT = Draft()


@dataclass(frozen=True, slots=True)
class StepLoad:
    """Tokens that a step evaluates anyway, of all the streams in it."""

    n_certain: int
    n_streams: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Guess with the tokens forced after it, and the chance that all is right up to it."""

    chance: float
    guesses: tuple[Guess, ...]
    is_last: bool = False  # nothing may follow


@dataclass(slots=True, eq=False)
class Speculation:
    """Model-wide state of speculative decoding: hit rates that all sequences share."""

    vocabulary: Vocabulary
    costs: Costs
    _rates: dict[GuessKind, HitRate] = field(default_factory=dict, init=False)

    def rate(self, kind: GuessKind) -> HitRate:
        """Hit rate of that kind in all sequences."""
        return self._rates.setdefault(kind, HitRate(kind.first_rate))


class Drafter:
    """Drafter of one sequence, whose *tokens* grow; *prediction* is what its client expects."""

    def __init__(self, speculation: Speculation, tokens: list[int], prediction: list[int]) -> None:
        self._speculation = speculation
        self._text = PromptLookup(tokens)
        # The reply's first token follows the prompt's last, so that is what its first n-gram is.
        self._prediction = PromptLookup([tokens[-1], *prediction])
        self._rates: dict[GuessKind, HitRate] = {}
        self._n_vain = 0  # searches for a closing, in a row, that found none
        self._n_resting = 0  # positions until the next search

    def propose(
        self, forced: Sequence[int], constraint: Constraint | None, most: int, load: StepLoad
    ) -> Draft:
        """Draft of at most *most* tokens, after the sequence's own and those *forced* after them.

        *load* is what the step evaluates beside it.
        """
        tail = [*self._text.tokens[-LONGEST:], *forced]
        runs: list[_Run] = []
        try:
            state = constraint.copy() if constraint else None
            self._extend(runs, tail, state, min(most, MOST))
        except EngineError:
            logger.debug("a draft went beyond its grammar; the reply fails if it gets there")
        guesses = tuple(guess for run in runs for guess in run.guesses)[:most]
        return self._padded(guesses, min(len(guesses), self._best_length(runs, load)), load)

    def _padded(self, guesses: tuple[Guess, ...], length: int, load: StepLoad) -> Draft:
        """Draft of that *length*, longer where the step is padded anyway."""
        n_tokens = load.n_certain + length
        n_more = self._speculation.costs.padded(n_tokens) - n_tokens
        if not length or load.n_streams > 1:
            return Draft(guesses, length)
        return Draft(guesses, min(len(guesses), length + n_more))

    def _extend(
        self, runs: list[_Run], tail: list[int], state: Constraint | None, most: int
    ) -> None:
        chance, n_tokens = 1.0, 0
        while n_tokens < most and (guess := self._best(tail, state)):
            chance *= self._rate(guess.kind).chance
            followers = _follow(state, guess.token)
            is_last = state is not None and state.complete
            run = (guess, *(Guess(token, FORCED) for token in followers))
            runs.append(_Run(chance, run, is_last))
            tail += [guess.token, *followers]
            n_tokens += 1 + len(followers)
            if is_last or chance < LEAST_CHANCE:
                return

    def _best_length(self, runs: Sequence[_Run], load: StepLoad) -> int:
        """Number of tokens of *runs* whose evaluation saves most."""
        costs, streams = self._speculation.costs, load.n_streams
        anyway = costs.step(costs.padded(load.n_certain), streams)
        if streams == 1:
            anyway = costs.in_parts(load.n_certain)
        saved = most_saved = 0.0
        n_tokens = length = 0
        for run in runs:
            if run.is_last:
                break
            n_tokens += len(run.guesses)
            later = costs.step(streams - 1 + len(run.guesses), streams)
            saved += run.chance * later / streams
            n_evaluated = costs.padded(load.n_certain + n_tokens)
            dearer = costs.step(n_evaluated, streams + n_tokens) - anyway
            if saved - CAUTION * dearer > most_saved:
                most_saved, length = saved - CAUTION * dearer, n_tokens
        return length

    def judge(self, draft: Draft, taken: Sequence[int]) -> None:
        """Learn from *taken*, the tokens that the sequence went on with."""
        for guess, token in zip(draft.guesses, taken, strict=False):
            if guess.kind != FORCED:
                self._rate(guess.kind).note(hit=guess.token == token)
            if guess.token != token:
                return

    def _rate(self, kind: GuessKind) -> HitRate:
        if kind not in self._rates:
            self._rates[kind] = HitRate(elsewhere=self._speculation.rate(kind))
        return self._rates[kind]

    def _best(self, tail: Sequence[int], state: Constraint | None) -> Guess | None:
        """Likeliest guess that the grammar allows; None if there is none."""
        ends = self._speculation.vocabulary.ends
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
        is_held = state is not None and not state.accepting
        copies = [
            *self._looked_up("prediction", self._prediction, tail, is_held=is_held),
            *self._looked_up("copy", self._text, tail, is_held=is_held),
        ]
        yield from copies
        if state and not any(goes_on_a_word(self._piece(copy.token)) for copy in copies):
            end = self._closing(state)
            if end is not None:
                copy = copies[-1] if copies else None
                can_go_on = copy is not None and state.allows(copy.token)
                yield Guess(end, closing(copy, can_go_on=can_go_on))

    def _closing(self, state: Constraint) -> int | None:
        """End of a value; searched for ever more seldom where there are none, as in free text."""
        if self._n_vain and self._n_resting:
            self._n_resting -= 1
            return None
        end = state.value_end()
        self._n_vain = 0 if end is not None else self._n_vain + 1
        self._n_resting = min(self._n_vain, LONGEST_REST)
        return end

    def _looked_up(
        self,
        source: Literal["prediction", "copy"],
        text: PromptLookup,
        tail: Sequence[int],
        *,
        is_held: bool,
    ) -> Iterator[Guess]:
        if match := text.find(tail):
            n = match.n_common
            agreed = b"".join(map(self._piece, tail[-n:]))
            ahead = self._piece(match.token)
            yield Guess(match.token, copied(source, agreed, ahead, n, is_held=is_held))

    def _piece(self, token: int) -> bytes:
        return self._speculation.vocabulary.pieces[token]


def _follow(state: Constraint | None, token: int) -> list[int]:
    """Advance *state* by *token*; the jump-forward tokens after it."""
    if state is None:
        return []
    state.take(token)
    return state.forced()
