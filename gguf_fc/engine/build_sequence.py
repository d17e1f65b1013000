"""From a job to a sequence: tokens, limit, constraint, drafter, checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import dropwhile

from gguf_fc.engine.constrain.build import constraint_of
from gguf_fc.engine.constrain.constraint import Compile
from gguf_fc.engine.kv_cache.cache import KvCache
from gguf_fc.engine.model import Model
from gguf_fc.engine.prompt_segments import tokens_within
from gguf_fc.engine.sequence import Checkpoints, Sequence
from gguf_fc.engine.speculate.drafter import Drafter, Speculation
from gguf_fc.errors import ContextLengthExceeded, InvalidParameter
from gguf_fc.job import Job, Segment

SURELY_COUNTED = 8  # characters a token of the context; a longer text hardly fits


@dataclass(frozen=True, slots=True)
class ReadTexts:
    """Tokens of a job's prompt and of the prediction of its reply."""

    prompt: list[int]
    prediction: list[int]


@dataclass(slots=True, eq=False)
class SequenceBuilder:
    """Builds the sequences of one model; with *drafts* they use speculative decoding."""

    model: Model
    cache: KvCache
    compile_grammar: Compile
    drafts: bool
    _speculation: Speculation = field(init=False)

    def __post_init__(self) -> None:
        self._speculation = Speculation(self.model.vocabulary, self.model.costs)

    def _tokenize(self, prompt: tuple[Segment, ...]) -> list[int]:
        n_ctx = self.model.n_ctx_seq
        n_characters = sum(len(segment.text) for segment in prompt)
        if n_characters > SURELY_COUNTED * n_ctx:  # few such texts fit, and counting is quick
            text = "".join(segment.text for segment in prompt)
            if (count := self.model.n_tokens(text, n_ctx)) >= n_ctx:
                raise self._too_long(f"more than {min(count, n_ctx)}")
        return self.model.tokenize(prompt)

    def _too_long(self, count: str) -> ContextLengthExceeded:
        return ContextLengthExceeded(
            f"This model's maximum context length is {self.model.n_ctx_seq} tokens, "
            f"and the prompt alone has {count}. "
            "Shorten the messages or the tools, or start the server with a larger context."
        )

    def read(self, job: Job) -> ReadTexts:
        """Tokens of the texts of *job*.  Raises ContextLengthExceeded; may run in any thread."""
        expected = (job.prediction or "")[: SURELY_COUNTED * self.model.n_ctx_seq]
        prediction = self.model.tokenize((Segment(expected, special=False),)) if self.drafts else []
        return ReadTexts(self._tokenize(job.prompt), prediction)

    def build(self, job: Job, texts: ReadTexts) -> Sequence:
        """Sequence of *job*, whose *texts* were read.  Raises a GgufFcError where it cannot run."""
        tokens = self.cache.retokenize(texts.prompt)
        n_ctx = self.model.n_ctx_seq
        if not tokens:
            raise InvalidParameter("The prompt is empty: it has no token to begin from.")
        if len(tokens) >= n_ctx:
            raise self._too_long(f"{len(tokens)}")
        limit = n_ctx if job.max_tokens is None else min(n_ctx, len(tokens) + job.max_tokens)
        constraint = constraint_of(job, self.compile_grammar, self.model)
        drafter = self._drafter(tokens, texts.prediction) if self.drafts else None
        checkpoints = Checkpoints(self._end_of_prefix(job, tokens), self._begin_of_turn(tokens))
        return Sequence(job, tokens, limit, constraint, drafter, checkpoints)

    def _drafter(self, tokens: list[int], prediction: list[int]) -> Drafter:
        controls = self.model.vocabulary.special  # such as BOS, which begins every text
        return Drafter(self._speculation, tokens, [*dropwhile(controls.__contains__, prediction)])

    def _begin_of_turn(self, tokens: list[int]) -> int | None:
        """Position of the prompt's last control token, where the reply's turn begins.

        None where a slot can be cut back to it at any time, and where there is no such token.
        """
        if self.model.can_trim:
            return None
        special = self.model.vocabulary.special
        return next((at for at in range(len(tokens) - 1, 0, -1) if tokens[at] in special), None)

    def _end_of_prefix(self, job: Job, tokens: list[int]) -> int | None:
        """Tokens of the prefix that *job* shares with other conversations; None: unknown."""
        if job.prefix is None:
            return None
        pieces = self.model.vocabulary.pieces
        return tokens_within(job.prompt, job.prefix, (pieces[token] for token in tokens))
