"""Counters and times of one sequence, as ``Done`` reports them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gguf_fc.engine.speculate.guesses import Guess


@dataclass(slots=True, eq=False)
class SequenceStats:
    """Counters of the ``Sequence`` that it belongs to, which nobody else assigns."""

    started: float | None = None  # time of admission; None: still in the queue
    prompt_done: float | None = None  # time of the first row of logits that chooses a token
    cached_tokens: int = 0  # of the prompt
    scored_tokens: int = 0  # of the prompt, whose logprobs were wanted and are known
    forced_tokens: int = 0
    decode_steps: int = 0  # that carried completion tokens
    drafted_tokens: int = 0  # draft tokens that were evaluated
    accepted_tokens: int = 0  # of those, right
    drafted_predictions: int = 0  # of the drafted, taken from the job's prediction
    accepted_predictions: int = 0

    def start(self, now: float, n_cached: int) -> None:
        """Note the admission; one after a preemption does not count."""
        if self.started is None:
            self.started, self.cached_tokens = now, n_cached

    def end_prompt(self, now: float) -> None:
        """Note that the prompt is evaluated, so that the first token can be chosen."""
        if self.prompt_done is None:
            self.prompt_done = now

    def count_scored(self, n_tokens: int) -> None:
        """Count the next tokens of the prompt as scored."""
        self.scored_tokens += n_tokens

    def count_draft(self, guesses: Sequence[Guess], n_fed: int, n_right: int) -> None:
        """Count a draft of which *n_fed* tokens were evaluated, *n_right* of them right."""
        self.drafted_tokens += n_fed
        self.accepted_tokens += n_right
        self.drafted_predictions += sum(guess.is_prediction for guess in guesses[:n_fed])
        self.accepted_predictions += sum(guess.is_prediction for guess in guesses[:n_right])

    def milliseconds(self, now: float) -> tuple[float, float]:
        """Time of the prompt and of the completion, until *now*."""
        began = now if self.started is None else self.started
        switched = now if self.prompt_done is None else self.prompt_done
        return (switched - began) * 1000, (now - switched) * 1000
