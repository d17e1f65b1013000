"""Embeddings: texts to vectors, beside the generations and without ever disturbing them.

Every text that is submitted ends with exactly one ``Embedded`` or ``Failed``, unless it is
cancelled; with a model that ranks, it is a pair of texts, and ends with ``Ranked``.  Knows tokens
and rows of numbers; nothing of llama.cpp, processes or HTTP.

Theory of operation.
1. The vectors come from a memory of their own, made when the first text arrives and made anew when
   a longer one does: running generations lose no room to it, and who embeds nothing pays nothing.
2. A step reads at most as many tokens as the machine manages in ``STEP_SECONDS``, from as many
   texts as there are slots, oldest first; between two steps generations go on (``time_sharing``).
3. A model whose tokens attend both ways must read a text as a whole, however long that takes.
4. A text's rows are pooled as they come and then scaled to length 1, so a mean is a sum.
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from time import monotonic
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gguf_fc.engine.fit_text import TextReader, fitting_pair, fitting_text
from gguf_fc.engine.long_texts import Rest, refuse_too_long
from gguf_fc.engine.model import DecodeError, Feed
from gguf_fc.errors import EngineError, GgufFcError, Overloaded, UnsupportedParameter
from gguf_fc.job import Embed, Embedded, Failed, FromWorker, Handlers, Rank, Ranked

STEP_SECONDS = 0.1
FIRST_TOKENS = 32  # of a step, until it is known how fast the machine is
LEAST_TOKENS = 8  # of a step, however slow the machine is
MOST_WAITING = 4096  # texts; one request may bring 2,048

# Rows of a text that make its vector; "score": there is one, which is a number.
Pooling = Literal["mean", "first", "last", "score"]
Rows = NDArray[np.float32]  # shape (tokens, width), one row for each token


class EmbeddingModel(TextReader, Protocol):
    """Native interface: a model that gives a row of numbers for each token it reads."""

    @property
    def pooling(self) -> Pooling: ...
    @property
    def reads_whole(self) -> bool: ...  # a text must be read in one step
    @property
    def n_slots(self) -> int: ...
    @property
    def room(self) -> int: ...  # tokens all slots hold together, now
    @property
    def n_batch(self) -> int: ...  # tokens one step may read, now

    def make_room(self, n_tokens: int) -> None:
        """Empty all slots and hold at least *n_tokens*.  Raises GgufFcError."""
        ...

    def read(self, feeds: Sequence[Feed]) -> list[Rows]:
        """Evaluate *feeds*; the rows that each wants, valid until the next call.

        Raises DecodeError.
        """
        ...

    def clear(self, slot: int) -> None:
        """Empty that slot."""
        ...


@dataclass(slots=True, eq=False)
class _QueuedText:
    """Text that waits or is being read."""

    id: str
    tokens: list[int]
    n_cut: int = 0  # tokens that were cut off
    slot: int | None = None
    n_read: int = 0
    pooled: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1), init=False)

    @property
    def n_left(self) -> int:
        return len(self.tokens) - self.n_read

    def take(self, rows: Rows, n_tokens: int, pooling: Pooling) -> None:
        """Pool the *rows* of the next *n_tokens* tokens."""
        self.n_read += n_tokens
        if not len(rows):
            return
        match pooling:
            case "mean":
                self.pooled = self.pooled + rows.sum(axis=0, dtype=np.float64)
            case "first":
                self.pooled = self.pooled if self.n_read > n_tokens else rows[0].astype(np.float64)
            case "last" | "score":
                self.pooled = rows[-1].astype(np.float64)

    def score(self) -> float:
        """The number that is all of a pair's row.  Raises EngineError."""
        number = float(self.pooled[0])
        if not np.isfinite(number):
            raise EngineError("The model's score for this text is no number.")
        return number

    def vector(self) -> str:
        """Pooled row scaled to length 1, encoded as in ``Embedded``.  Raises EngineError."""
        length = np.linalg.norm(self.pooled)
        if not np.isfinite(length) or not length:
            raise EngineError("The model's numbers for this text have no direction.")
        return base64.b64encode((self.pooled / length).astype("<f4").tobytes()).decode()


class EmbeddingQueue:
    """Queue of texts to embed with one model.  *emit* receives every message."""

    def __init__(
        self,
        model: EmbeddingModel,
        emit: Callable[[FromWorker], None],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._model = model
        self._emit = emit
        self._clock = clock
        self._waiting: deque[_QueuedText] = deque()
        self._reading: list[_QueuedText] = []  # oldest first
        self._speed = 0.0  # tokens per second; 0: not known yet

    @property
    def is_idle(self) -> bool:
        """True when ``step`` has nothing to do."""
        return not self._waiting and not self._reading

    @property
    def handlers(self) -> Handlers:
        """Methods that handle the messages meant for embedding."""
        return {Embed: self.submit, Rank: self.submit}

    def read_long(self, question: Embed | Rank) -> Rest:
        """Read the long text of *question*, in any thread.  Raises GgufFcError."""
        refuse_too_long(question)
        return partial(self._queue, self._queued(question))

    def submit(self, question: Embed | Rank) -> None:
        """Queue *question*, or emit ``Failed`` when it cannot be read."""
        try:
            self._queue(self._queued(question))
        except GgufFcError as error:
            self._fail(question.id, error)

    def _queue(self, text: _QueuedText) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(text)
        else:
            busy = Overloaded("Too many texts are waiting to be embedded; try again later.")
            self._fail(text.id, busy)

    def _queued(self, question: Embed | Rank) -> _QueuedText:
        if isinstance(question, Rank):
            if self._model.pooling != "score":
                raise UnsupportedParameter("This model does not rank; it has embeddings.")
            return _QueuedText(question.id, *fitting_pair(self._model, question))
        if self._model.pooling == "score":
            raise UnsupportedParameter(
                "This model ranks texts, it has no embeddings: send them to /v1/rerank."
            )
        return _QueuedText(question.id, *fitting_text(self._model, question))

    def cancel(self, text_id: str) -> None:
        """Drop that text; nothing where it has ended already."""
        for text in chain(tuple(self._waiting), tuple(self._reading)):
            if text.id == text_id:
                self._remove(text)

    def step(self) -> None:
        """Read one batch and emit the vectors of the texts that it completed."""
        self._start_waiting()
        texts, feeds = self._plan()
        if not feeds:
            return
        began = self._clock()
        try:
            rows = self._model.read(feeds)
        except DecodeError as error:
            for text in texts:
                self._give_up(text, EngineError(f"The model could not read this text: {error}."))
            return
        self._measure(sum(len(feed.tokens) for feed in feeds), self._clock() - began)
        for text, feed, part in zip(texts, feeds, rows, strict=True):
            text.take(part, len(feed.tokens), self._model.pooling)
            if not text.n_left:
                self._finish(text)

    def _start_waiting(self) -> None:
        """Give slots to texts in order of arrival; nobody overtakes."""
        while self._waiting and len(self._reading) < self._model.n_slots:
            text = self._waiting[0]
            if not self._fits(text) and not self._make_room(text):
                return
            self._waiting.popleft()
            taken = {other.slot for other in self._reading}
            text.slot = next(slot for slot in range(self._model.n_slots) if slot not in taken)
            self._reading.append(text)

    def _fits(self, text: _QueuedText) -> bool:
        taken = sum(len(other.tokens) for other in self._reading)
        return taken + len(text.tokens) <= self._model.room

    def _make_room(self, text: _QueuedText) -> bool:
        """Replace a memory that is too small for *text*; False while other texts are read in it."""
        if self._reading:
            return False
        try:
            self._model.make_room(len(text.tokens))
        except GgufFcError as error:
            self._give_up(text, error)
            return False
        return True

    def _plan(self) -> tuple[list[_QueuedText], list[Feed]]:
        texts, feeds = [], []
        left = self._model.n_batch
        if not self._model.reads_whole:
            quick = int(self._speed * STEP_SECONDS) if self._speed else FIRST_TOKENS
            left = min(left, max(LEAST_TOKENS, quick))
        for text in self._reading:
            count = min(text.n_left, left)
            if not count or (self._model.reads_whole and count < text.n_left):
                break
            assert text.slot is not None
            tokens = text.tokens[text.n_read : text.n_read + count]
            texts.append(text)
            feeds.append(Feed(text.slot, text.n_read, tokens, self._n_rows(text, count)))
            left -= count
        return texts, feeds

    def _n_rows(self, text: _QueuedText, count: int) -> int:
        """Number of rows that pooling needs of the next *count* tokens."""
        return count if self._model.pooling != "last" else int(count == text.n_left)

    def _measure(self, n_tokens: int, seconds: float) -> None:
        speed = n_tokens / max(seconds, 1e-6)
        self._speed = (self._speed + speed) / 2 if self._speed else speed

    def _finish(self, text: _QueuedText) -> None:
        n_tokens, n_cut = len(text.tokens), text.n_cut
        answer: Embedded | Ranked
        try:
            if self._model.pooling == "score":
                score = text.score()
                answer = Ranked(id=text.id, prompt_tokens=n_tokens, n_cut=n_cut, score=score)
            else:
                vector = text.vector()
                answer = Embedded(id=text.id, prompt_tokens=n_tokens, n_cut=n_cut, vector=vector)
        except EngineError as error:
            self._give_up(text, error)
            return
        self._remove(text)
        self._emit(answer)

    def _give_up(self, text: _QueuedText, error: GgufFcError) -> None:
        self._remove(text)
        self._fail(text.id, error)

    def _remove(self, text: _QueuedText) -> None:
        if text.slot is None:
            self._waiting.remove(text)
        else:
            self._reading.remove(text)
            self._model.clear(text.slot)

    def _fail(self, text_id: str, error: GgufFcError) -> None:
        self._emit(Failed.because(text_id, error))
