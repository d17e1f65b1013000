"""Output writer: tokens of a reply to chunks of text, up to a stop string, with their logprobs.

Holds back half a character and what may become a stop string.  A token's logprob goes out with the
first text at or after the place where the token begins, so that logprobs and text never part.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gguf_fc.engine.output.detokenizer import Detokenizer
from gguf_fc.engine.output.stop_strings import StopFilter
from gguf_fc.job import Chunk, TokenLogprob


@dataclass(slots=True, eq=False)
class OutputWriter:
    """Collects the text of tokens; ``chunk`` takes what has come since the last."""

    stops: StopFilter
    _detokenizer: Detokenizer = field(default_factory=Detokenizer, init=False)
    _text: str = field(default="", init=False)  # for the next chunk
    _n_tokens: int = field(default=0, init=False)  # since the last chunk
    _scores: deque[tuple[int, TokenLogprob]] = field(default_factory=deque, init=False)
    _read: int = field(default=0, init=False)  # characters that the detokenizer has yielded
    _released: int = field(default=0, init=False)  # of those, in chunks or in ``_text``

    def feed(self, piece: bytes, score: TokenLogprob | None = None) -> None:
        """Append a token by its bytes, with its *score* where logprobs are wanted."""
        self._n_tokens += 1
        if score:
            self._scores.append((self._read, score))
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
        scores = []
        while self._scores and self._scores[0][0] < self._released:
            scores.append(self._scores.popleft()[1])
        chunk = Chunk(id=job_id, text=self._text, n_tokens=self._n_tokens, logprobs=tuple(scores))
        self._text, self._n_tokens = "", 0
        return chunk

    def _release(self, text: str) -> None:
        self._text += text
        self._released += len(text)
