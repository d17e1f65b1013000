"""Tokens with their log probabilities, from the engine to the replies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """Bytes of a token and its log probability (natural logarithm)."""

    bytes: tuple[int, ...]
    logprob: float | None  # None: the first token, which nothing precedes

    @property
    def text(self) -> str:
        """Bytes decoded as UTF-8; the parts of a split character show as U+FFFD."""
        return bytes(self.bytes).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class TokenLogprob(ScoredToken):
    """Token of a prompt or a reply with the most likely tokens at its place, best first.

    Logprobs are the model's own: before temperature, penalties, biases and grammar.
    """

    top: tuple[ScoredToken, ...] = ()
