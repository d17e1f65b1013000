"""Choosing the next tokens of a sequence from its rows of logits: sampling, grammar, logprobs.

Knows sequences and constraints; nothing of batches, slots or messages.

Theory of operation.
1. A sampled token is tested alone.  If the grammar refuses it, an allowed one is sampled: by the
   logits alone, so that it matters not at all what was refused.  Where a few of the allowed ones
   decide, such as with top_k, they are searched among the likeliest, and the mask of the whole
   vocabulary is computed only if they are not found there.
2. Jump-forward decoding: tokens that the grammar leaves no choice about are taken at once.  Where
   they are to be scored they wait in ``sequence.forced`` until they were evaluated, like any token
   that was evaluated *ahead*, and are then taken one by one from their rows.
3. Draft tokens are only a forecast.  Each row is used exactly as if its token were the last one, in
   order, until the choice differs from what was evaluated: so neither the tokens nor the random
   numbers depend on the draft.
"""

from __future__ import annotations

from collections.abc import Sequence as Row
from dataclasses import dataclass

import numpy as np

from gguf_fc.engine.constrain.constraint import Constraint
from gguf_fc.engine.model import Logits, Vocabulary
from gguf_fc.engine.sample.logprobs import score, unscored
from gguf_fc.engine.sample.sampler import Sampler, likeliest
from gguf_fc.engine.sequence import Sequence
from gguf_fc.errors import EngineError
from gguf_fc.job import Begun
from gguf_fc.scored_tokens import TokenLogprob

MOST_SOUGHT = 100  # allowed tokens that are searched one by one
TESTED = 8  # of the likeliest tokens, for each that is sought
TESTED_ANYWAY = 16  # and so many more


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooser of tokens of one vocabulary."""

    vocabulary: Vocabulary

    def advance(self, sequence: Sequence, ahead: Row[int], rows: Row[Logits]) -> None:
        """Choose tokens by *rows*: those after the last token and after each one *ahead*."""
        start, used = len(sequence.tokens), 0
        while used <= len(ahead) and not sequence.finish:
            self._next(sequence, rows[used])
            taken = sequence.tokens[start:]
            if taken[used:] != ahead[used : len(taken)]:
                return
            used = len(taken)

    def follow_grammar(self, sequence: Sequence) -> None:
        """Take the jump-forward tokens, and stop where nothing may follow."""
        if sequence.constraint is None or sequence.finish:
            return
        forced = sequence.constraint.forced()
        if sequence.job.logprobs is not None:
            sequence.forced.extend(forced)
        else:
            for token in forced:
                self._take(sequence, token, forced=True)
                if sequence.finish:
                    return
        self._stop_if_complete(sequence)

    def retake(self, sequence: Sequence, begun: Begun) -> None:
        """Take the tokens of *begun* again, sampled and forced ones as they were.

        Raises EngineError where the grammar refuses one.
        """
        self.follow_grammar(sequence)
        start = sequence.n_prompt
        while not sequence.finish and (n := len(sequence.tokens) - start) < len(begun.tokens):
            if sequence.forced:
                self._take(sequence, sequence.forced.popleft(), forced=True)
                self._stop_if_complete(sequence)
            else:
                self._take(sequence, begun.tokens[n])
                self.follow_grammar(sequence)
        if tuple(sequence.tokens[start : start + len(begun.tokens)]) != begun.tokens:
            raise EngineError("The reply cannot be gone on with: its grammar leads elsewhere now.")
        sequence.sampler.skip(begun.n_draws)

    def _stop_if_complete(self, sequence: Sequence) -> None:
        constraint = sequence.constraint
        if constraint and not sequence.forced and not sequence.finish and constraint.complete:
            sequence.end("stop")

    def score_prompt(
        self, sequence: Sequence, start: int, rows: Row[Logits]
    ) -> tuple[TokenLogprob, ...]:
        """Logprobs of the prompt's next tokens; *rows* are those from its token at *start* on.

        Tokens scored before a preemption are not scored again.
        """
        pieces, n_top = self.vocabulary.pieces, sequence.job.prompt_logprobs or 0
        scores = [] if sequence.stats.scored_tokens else [unscored(sequence.tokens[0], pieces)]
        for at, row in enumerate(rows, start + 1):
            if at == sequence.stats.scored_tokens + len(scores) < sequence.n_prompt:
                scores.append(score(row, sequence.tokens[at], n_top, pieces))
        sequence.stats.count_scored(len(scores))
        return tuple(scores)

    def _next(self, sequence: Sequence, logits: Logits) -> None:
        """Take the token after a row of *logits*, and those forced after it."""
        if sequence.forced:
            token = sequence.forced.popleft()
            self._take(sequence, token, self._score(sequence, logits, token), forced=True)
            self._stop_if_complete(sequence)
        else:
            row = logits.copy() if sequence.job.logprobs is not None else logits
            sequence.sampler.prepare(row, sequence.tokens)
            if len(sequence.tokens) - sequence.n_prompt < sequence.job.min_tokens:
                row[[*self.vocabulary.ends]] = -np.inf
            token = choose(sequence.sampler, sequence.constraint, row)
            self._take(sequence, token, self._score(sequence, logits, token))
            self.follow_grammar(sequence)

    def _score(self, sequence: Sequence, logits: Logits, token: int) -> TokenLogprob | None:
        n_top = sequence.job.logprobs
        return None if n_top is None else score(logits, token, n_top, self.vocabulary.pieces)

    def _take(
        self,
        sequence: Sequence,
        token: int,
        score: TokenLogprob | None = None,
        *,
        forced: bool = False,
    ) -> None:
        constraint = sequence.constraint
        ends = token in self.vocabulary.ends and not forced
        if constraint and not forced:
            ends = ends and constraint.accepting
            if not ends:
                constraint.take(token)
        piece = None if ends else self.vocabulary.pieces[token]
        sequence.take(token, piece, score, forced=forced)


def choose(sampler: Sampler, constraint: Constraint | None, logits: Logits) -> int:
    """Sample a token; if *constraint* refuses it, sample among the allowed ones."""
    token = sampler.choose(logits)
    if constraint is None or constraint.allows(token):
        return token
    count = sampler.n_decisive
    if count is not None and count <= MOST_SOUGHT:
        tested = likeliest(logits, TESTED * count + TESTED_ANYWAY)
        found = constraint.first_allowed(tested.tolist(), count)
        if found is not None:
            return sampler.choose_from(np.array(found), logits)
    return sampler.choose(logits, constraint.mask())
