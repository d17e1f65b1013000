"""Completions: events to chunks, and chunks to a whole reply.

1. Every chunk of a stream has the same ``id`` and ``created``, and one choice with its ``text``;
   where logprobs are wanted a chunk has those of its text's tokens.
2. Exactly one chunk of each choice has a ``finish_reason``; then, if asked for, comes one chunk
   with ``usage`` and no choices; then ``[DONE]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from gguf_fc.events import Event, Finish, Scores, TextDelta
from gguf_fc.protocols.completions.logprobs import LogprobsWriter, joined
from gguf_fc.protocols.completions.request import TextAsked
from gguf_fc.protocols.error_body import error_body
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.protocols.reply_fields import FINGERPRINT, loosened, timings, validation
from gguf_fc.scored_tokens import TokenLogprob


@dataclass(slots=True, eq=False)
class PendingScores:
    """Logprobs of one choice, held until the text of their tokens comes."""

    echo: bool  # the prompt comes first
    wants_logprobs: bool
    writer: LogprobsWriter = field(default_factory=LogprobsWriter)
    unsaid: list[TokenLogprob] = field(default_factory=list)  # scores whose text has not come

    def logprobs(self, text: str) -> Json | None:
        """The lists that go with *text*, which comes next."""
        is_prompt, self.echo = self.echo, False
        tokens, self.unsaid = self.unsaid, []
        if not self.wants_logprobs:
            return None
        return self.writer.prompt(tokens, text) if is_prompt else self.writer.feed(tokens)


def _choices(asked: TextAsked) -> list[PendingScores]:
    return [PendingScores(request.echo, request.logprobs is not None) for request in asked.requests]


@dataclass(slots=True, eq=False)
class TextStream:
    """Encodes events as chunks."""

    asked: TextAsked
    envelope: Envelope
    _choices: list[PendingScores] = field(init=False)
    _ends: dict[int, Finish] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._choices = _choices(self.asked)

    def begin(self) -> Iterator[Json]:
        """Nothing: the first text opens the stream."""
        return iter(())

    def encode(self, choice: int, event: Event) -> Iterator[Json]:
        """The chunks that carry *event*."""
        state = self._choices[choice]
        match event:
            case Scores(tokens):
                state.unsaid += tokens
            case TextDelta(text):
                yield self._chunk(choice, text)
            case Finish(done, checks):
                self._ends[choice] = event
                last = self._chunk(choice, "", done.finish_reason)
                yield last | validation({choice: checks}) | loosened(self.envelope)
            case _:
                raise AssertionError(f"no part of a text: {event}")

    def end(self) -> Iterator[Json]:
        """Chunk with the cost of all choices, if that was asked for."""
        if self.asked.include_usage:
            cost = _cost(self.asked, self._ends)
            yield _object(self.envelope, []) | cost

    def fail(self, error: Exception) -> Json:
        """*error* as the last object."""
        return error_body(error)

    def _chunk(self, choice: int, text: str, finish: str | None = None) -> Json:
        logprobs = self._choices[choice].logprobs(text)
        return _object(
            self.envelope,
            [{"index": choice, "text": text, "logprobs": logprobs, "finish_reason": finish}],
        )


@dataclass(slots=True, eq=False)
class CompletionCandidate:
    """One completion while its events come in."""

    choice: PendingScores
    texts: list[str] = field(default_factory=list)
    lists: list[Json] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)  # of the tokens of the completion
    n_prompt: int = 0  # tokens of the prompt that were scored
    finish: Finish | None = None

    def add(self, event: Event) -> None:
        match event:
            case Scores(tokens):
                self.choice.unsaid += tokens
                if not self.choice.echo:
                    self.scores += [t.logprob for t in tokens if t.logprob is not None]
            case TextDelta(text):
                self._write(text)
            case Finish():
                self._write("")
                self.finish = event
            case _:
                raise AssertionError(f"no part of a text: {event}")

    def _write(self, text: str) -> None:
        self.texts.append(text)
        if (lists := self.choice.logprobs(text)) is not None:
            self.lists.append(lists)

    @property
    def ended(self) -> Finish:
        assert self.finish is not None
        return self.finish

    @property
    def likelihood(self) -> float:
        """The mean logprob of its tokens: better is higher."""
        return fmean(self.scores) if self.scores else 0.0

    def result(self, index: int) -> Json:
        return {
            "index": index,
            "text": "".join(self.texts),
            "logprobs": joined(self.lists) if self.choice.wants_logprobs else None,
            "finish_reason": self.ended.done.finish_reason,
        }


@dataclass(slots=True, eq=False)
class TextReply:
    """Folds events into one reply: ``add`` for each, then ``result``."""

    asked: TextAsked
    envelope: Envelope
    _candidates: list[CompletionCandidate] = field(init=False)

    def __post_init__(self) -> None:
        self._candidates = [CompletionCandidate(choice) for choice in _choices(self.asked)]

    def add(self, choice: int, event: Event) -> None:
        """Take in one event."""
        self._candidates[choice].add(event)

    def result(self) -> Json:
        """The whole reply; only after every choice has had its ``Finish``."""
        kept = self._kept()
        ends = {n: candidate.ended for n, candidate in enumerate(self._candidates)}
        return (
            _object(self.envelope, [one.result(index) for index, one in enumerate(kept)])
            | _cost(self.asked, ends)
            | validation({index: one.ended.checks for index, one in enumerate(kept)})
            | loosened(self.envelope)
        )

    def _kept(self) -> list[CompletionCandidate]:
        """For each prompt the best of its candidates, or all in their order."""
        n, best_of = self.asked.n, self.asked.best_of
        if n == best_of:
            return self._candidates
        kept: list[CompletionCandidate] = []
        for start in range(0, len(self._candidates), best_of):
            group = self._candidates[start : start + best_of]
            kept += sorted(group, key=lambda one: one.likelihood, reverse=True)[:n]
        return kept


def _object(envelope: Envelope, choices: list[Json]) -> Json:
    return {
        "id": envelope.id,
        "object": "text_completion",
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
    }


def _cost(asked: TextAsked, ends: Mapping[int, Finish]) -> Json:
    """Exact token counts: each prompt once, every completion that was made."""
    all_ends = [ends[n] for n in sorted(ends)]
    prompts = [finish.done for finish in all_ends[:: asked.best_of]]
    n_prompt = sum(done.prompt_tokens for done in prompts)
    n_completion = sum(finish.done.completion_tokens for finish in all_ends)
    return {
        "usage": {
            "prompt_tokens": n_prompt,
            "completion_tokens": n_completion,
            "total_tokens": n_prompt + n_completion,
            "prompt_tokens_details": {"cached_tokens": sum(d.cached_tokens for d in prompts)},
        },
        "timings": timings(all_ends),
    }
