"""Output writer: tokens of a reply to chunks of text, up to a stop string, with their logprobs.

Holds back half a character and what may become a stop string.  A token's logprob goes out with the
first text at or after the place where the token begins, so that logprobs and text never part.
"""

from __future__ import annotations

from collections import deque
from dataclasses import InitVar, dataclass, field
from typing import NamedTuple

from gguf_fc.engine.output.detokenizer import Detokenizer
from gguf_fc.engine.output.stop_strings import StopFilter
from gguf_fc.job import Begun, Chunk
from gguf_fc.scored_tokens import TokenLogprob


class _Written(NamedTuple):
    """Token that is in no chunk yet."""

    start: int  # place in the text where it begins, in characters
    token: int
    n_draws: int  # random numbers drawn when it had been chosen
    score: TokenLogprob | None


@dataclass(slots=True, eq=False)
class OutputWriter:
    """Collects the text of tokens; ``chunk`` takes what has come since the last.

    What was *begun* is fed again, and is in no chunk: the client has it.
    """

    stops: StopFilter
    begun: InitVar[Begun | None] = None
    _detokenizer: Detokenizer = field(default_factory=Detokenizer, init=False)
    _text: str = field(default="", init=False)  # for the next chunk
    _n_tokens: int = field(default=0, init=False)  # since the last chunk
    _written: deque[_Written] = field(default_factory=deque, init=False)
    _n_draws: int = field(default=0, init=False)  # for all tokens that are in chunks
    _read: int = field(default=0, init=False)  # characters that the detokenizer has yielded
    _released: int = field(default=0, init=False)  # of those, in chunks or in ``_text``
    _tokens_left_out: int = field(default=0, init=False)  # of the next, that go into no chunk
    _left_out: int = field(default=0, init=False)  # of the next characters

    def __post_init__(self, begun: Begun | None) -> None:
        if begun:
            self._tokens_left_out, self._left_out = len(begun.tokens), begun.n_characters
            self._n_draws = begun.n_draws

    def feed(
        self, token: int, piece: bytes, n_draws: int = 0, score: TokenLogprob | None = None
    ) -> None:
        """Append *token* by its bytes, with its *score* where logprobs are wanted."""
        if self._tokens_left_out:
            self._tokens_left_out -= 1
        else:
            self._n_tokens += 1
            self._written.append(_Written(self._read, token, n_draws, score))
        text = self._detokenizer.feed(piece)
        self._read += len(text)
        self._release(self.stops.feed(text))

    def end(self) -> None:
        """Count a token that ends the reply: it has no text."""
        self._n_tokens += 1

    def finish(self) -> None:
        """Release what was held back: no more tokens come."""
        if not self.stops.stopped:
            rest = self._detokenizer.finish()
            self._read += len(rest)
            self._release(self.stops.feed(rest) + self.stops.finish())

    def chunk(self, job_id: str) -> Chunk | None:
        """Text since the last chunk, if any."""
        if not self._text:
            return None
        tokens, scores = [], []
        while self._written and self._goes_out(self._written[0]):
            _, token, self._n_draws, score = self._written.popleft()
            tokens.append(token)
            if score:
                scores.append(score)
        chunk = Chunk(
            id=job_id,
            text=self._text,
            n_tokens=self._n_tokens,
            logprobs=tuple(scores),
            tokens=tuple(tokens),
            n_draws=self._n_draws,
        )
        self._text, self._n_tokens = "", 0
        return chunk

    def _goes_out(self, written: _Written) -> bool:
        """True if a chunk can name the token now; its text may still be held back."""
        return written.score is None or written.start < self._released

    def _release(self, text: str) -> None:
        self._released += len(text)
        self._add(text)

    def _add(self, text: str) -> None:
        self._text += text[self._left_out :]
        self._left_out = max(0, self._left_out - len(text))
