"""Jobs and questions in flight: what is needed to go on with one when its worker died.

A question is asked again.  A job goes on from the tokens that its client has (``job.Begun``): the
next worker reads them as a part of the prompt, so the client sees a pause and nothing else.

Theory of operation.
1. A death is no reason to suspect a request: processes are killed for many reasons.  One that was
   in flight twice, without a word in between, is *suspect*.
2. Suspects run again one at a time, before anything else, until each has said something.  So if the
   process dies, it is known under whom.
3. One under which it died ``MOST_DEATHS`` times while nothing else ran is refused from then on.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace

from gguf_fc.job import (
    Accepted,
    Begun,
    Chunk,
    Ending,
    FromWorker,
    Job,
    Progress,
    PromptScores,
    Question,
)

MOST_DEATHS = 2  # of workers that a request may cause


@dataclass(slots=True, eq=False)
class InFlight:
    """A job or a question and how far it is; *messages* are what its client has not read yet."""

    asked: Job | Question
    messages: asyncio.Queue[FromWorker] = field(default_factory=asyncio.Queue, init=False)
    is_sent: bool = field(default=False, init=False)  # to the worker that runs now
    is_cancelled: bool = field(default=False, init=False)
    is_over: bool = field(default=False, init=False)
    spoke: asyncio.Event = field(default_factory=asyncio.Event, init=False)  # since it was sent
    _is_accepted: bool = field(default=False, init=False)
    _tokens: list[int] = field(default_factory=list, init=False)  # of the reply, delivered
    _n_characters: int = field(default=0, init=False)
    _n_draws: int = field(default=0, init=False)
    _n_scored: int = field(default=0, init=False)
    _deaths: int = field(default=0, init=False)  # in a row, without a word in between
    _deaths_alone: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.asked, Job):
            self.asked = _with_seed(self.asked)

    @property
    def is_suspect(self) -> bool:
        """True if workers died under it, and under it only as far as is known."""
        return self._deaths > 1

    @property
    def is_deadly(self) -> bool:
        """True if it is not to be run again."""
        return self._deaths_alone >= MOST_DEATHS

    def next_message(self) -> Job | Question:
        """Message for a worker that is to go on with it."""
        if isinstance(self.asked, Job) and self._is_accepted:
            return replace(self.asked, begun=self._begun())
        return self.asked

    def deliver(self, message: Progress | Ending) -> None:
        """Keep *message* for the client, and note how far it is."""
        self.is_over = isinstance(message, Ending)
        if isinstance(message, Accepted):
            if self._is_accepted:
                return
            self._is_accepted = True
        else:
            self._deaths = self._deaths_alone = 0
            self.spoke.set()
            self._note(message)
        self.messages.put_nowait(message)

    def note_death(self, *, alone: bool) -> None:
        """Note that the worker it was sent to died; *alone* if it ran nothing else."""
        self.is_sent = False
        self.spoke.clear()
        self._deaths += 1
        self._deaths_alone += alone

    def _note(self, message: Progress | Ending) -> None:
        if isinstance(message, Chunk):
            self._tokens += message.tokens
            self._n_characters += len(message.text)
            self._n_draws = message.n_draws
        elif isinstance(message, PromptScores):
            self._n_scored += len(message.logprobs)

    def _begun(self) -> Begun:
        return Begun(
            tokens=tuple(self._tokens),
            n_characters=self._n_characters,
            n_draws=self._n_draws,
            n_scored=self._n_scored,
        )


def _with_seed(job: Job) -> Job:
    """*job* with a seed: another worker has to draw the same random numbers."""
    if job.sampling.seed is not None:
        return job
    return replace(job, sampling=replace(job.sampling, seed=secrets.randbits(63)))
