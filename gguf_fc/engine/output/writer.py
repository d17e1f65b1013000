"""What a reply says so far: the bytes of tokens as text, up to a stop string, with their scores.

Holds back half a character and what may become a stop string.  A token's score goes out with the
first text at or after the place where the token begins, so that scores and text never part.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gguf_fc.engine.output.detokenizer import Detokenizer
from gguf_fc.engine.output.stop_strings import StopFilter
from gguf_fc.job import Chunk, TokenLogprob


@dataclass(slots=True, eq=False)
class OutputWriter:
    """Feed it tokens; ``chunk`` is what they have come to."""

    stops: StopFilter
    _detokenizer: Detokenizer = field(default_factory=Detokenizer, init=False)
    _said: str = field(default="", init=False)
    _n_unsaid: int = field(default=0, init=False)
    _scores: deque[tuple[int, TokenLogprob]] = field(default_factory=deque, init=False)
    _read: int = field(default=0, init=False)  # characters that came out of the tokens
    _released: int = field(default=0, init=False)  # of those, in chunks or in ``_said``

    def feed(self, piece: bytes, score: TokenLogprob | None = None) -> None:
        """The next token's bytes, and its score where that is wanted."""
        self._n_unsaid += 1
        if score:
            self._scores.append((self._read, score))
        text = self._detokenizer.feed(piece)
        self._read += len(text)
        self._say(self.stops.feed(text))

    def end(self) -> None:
        """A token came that ends the reply: it counts, and says nothing."""
        self._n_unsaid += 1

    def finish(self) -> None:
        """No more tokens come."""
        if not self.stops.stopped:
            rest = self._detokenizer.finish()
            self._read += len(rest)
            self._say(self.stops.feed(rest) + self.stops.finish())

    def chunk(self, job_id: str) -> Chunk | None:
        """What was said since the last chunk, if anything."""
        if not self._said:
            return None
        scores = []
        while self._scores and self._scores[0][0] < self._released:
            scores.append(self._scores.popleft()[1])
        chunk = Chunk(id=job_id, text=self._said, n_tokens=self._n_unsaid, logprobs=tuple(scores))
        self._said, self._n_unsaid = "", 0
        return chunk

    def _say(self, text: str) -> None:
        self._said += text
        self._released += len(text)
