"""Completions of texts: requests become prompts, jobs, messages, events.

``generator`` is the same for conversations.  There is no dialect here: what the model writes is
text.  An echoed prompt is the beginning of the text, so it comes as the first event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from gguf_fc.errors import UnsupportedParameter
from gguf_fc.events import Check, Event, Finish, Scores, TextDelta
from gguf_fc.generation.generation import Generation
from gguf_fc.generation.grammar_cache import (
    client_grammar,
    loosened_keywords,
    refuse_loosened,
    schema_grammar,
)
from gguf_fc.generation.job_events import job_events
from gguf_fc.generation.merge_streams import merged
from gguf_fc.generation.plan_reply import refuse_embedding_model
from gguf_fc.generation.questions import ask
from gguf_fc.generation.token_prompts import refuse_unknown_tokens
from gguf_fc.generation.validation import Validators
from gguf_fc.grammar import Grammar
from gguf_fc.job import Chunk, Detokenize, Detokenized, Done, GrammarText, Job, Segment
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.request import Form, Given, TextRequest
from gguf_fc.scored_tokens import TokenLogprob


@dataclass(frozen=True, slots=True)
class TextCompleter:
    """Completes texts.  *new_id* makes ids of replies and jobs."""

    pool: Pool
    validators: Validators
    new_id: Callable[[], str]

    @asynccontextmanager
    async def complete(self, requests: Sequence[TextRequest]) -> AsyncIterator[Generation]:
        """The reply to *requests*, each of which is a choice of it.

        All ask for the same model and the same form.  No more of them run at once than the model
        has slots, so that one body cannot fill the queue.  Leaving the context cancels what is
        not finished.  Raises RequestError or ServerError, here or from the events.
        """
        async with self.pool.use(requests[0].model) as model, AsyncExitStack() as stack:
            refuse_embedding_model(model)
            refuse_unknown_tokens([request.prompt for request in requests], model)
            grammar, text = await asyncio.to_thread(_grammar, requests[0], model)
            echoes = await self._echoes(requests, model)
            slots = asyncio.Semaphore(model.ready.n_parallel)
            choices = []
            for choice, request in enumerate(requests):
                job = _job(request, self.new_id(), text, model)
                reader = CompletionReader(echoes[request.prompt], request.form, self.validators)
                events = _events(choice, job, reader, model, slots, request.prompt.param)
                choices.append(await stack.enter_async_context(aclosing(events)))
            whole = merged(choices) if len(choices) > 1 else choices[0]
            async with aclosing(whole) as events_of_all:
                yield Generation(
                    id=self.new_id(),
                    model=model.name,
                    prompt_tokens=0,  # known choice by choice, at their ends
                    loosened=loosened_keywords(grammar),
                    events=events_of_all,
                )

    async def _echoes(
        self, requests: Sequence[TextRequest], model: LoadedModel
    ) -> dict[Given, str | None]:
        """Each prompt as text; None where it is not to be repeated."""
        echoes: dict[Given, str | None] = {}
        for request in requests:
            prompt = request.prompt
            if prompt not in echoes:
                echoes[prompt] = await self._text(prompt, model) if request.echo else None
        return echoes

    async def _text(self, prompt: Given, model: LoadedModel) -> str:
        if not prompt.tokens:
            return prompt.text
        question = Detokenize(id=self.new_id(), tokens=prompt.tokens)
        return (await ask(model, question, Detokenized, param=prompt.param)).text


async def _events(
    choice: int,
    job: Job,
    reader: CompletionReader,
    model: LoadedModel,
    slots: asyncio.Semaphore,
    param: str,
) -> AsyncGenerator[tuple[int, Event]]:
    """The events of *job*, which waits for one of *slots*."""
    cancel = partial(model.worker.cancel, job.id)
    async with slots, aclosing(model.worker.run(job)) as messages:
        async for item in job_events(choice, messages, reader, param, cancel):
            yield item


@dataclass(slots=True, eq=False)
class CompletionReader:
    """Reader of one completion, which takes what the model writes as it is.

    It begins with *echo*, the prompt, if that is to be repeated; the rest is checked against
    *form*, if there is one.
    """

    echo: str | None
    form: Form | None
    validators: Validators
    _text: list[str] = field(default_factory=list, init=False)

    @property
    def ended(self) -> bool:
        """Never: the text goes on until the engine ends it."""
        return False

    def begin(self, prompt_scores: Sequence[TokenLogprob]) -> Iterator[Event]:
        """The echo, after the scores of its tokens."""
        if prompt_scores:
            yield Scores(tuple(prompt_scores))
        if self.echo is not None:
            yield TextDelta(self.echo)

    async def feed(self, chunk: Chunk) -> Sequence[Event]:
        """*chunk*'s text."""
        self._text.append(chunk.text)
        return (TextDelta(chunk.text),)

    async def finish(self, done: Done) -> Sequence[Event]:
        """The end, with the check of a text that was not cut off."""
        if self.form is None or done.finish_reason != "stop":
            return (Finish(done),)
        text = "".join(self._text)
        verdict = await self.validators.judge("answer", text, self.form.schema)
        return (Finish(done, (Check("text", verdict.result, verdict.reason),)),)


def _job(request: TextRequest, job_id: str, grammar: GrammarText | None, model: LoadedModel) -> Job:
    logprobs = 0 if request.logprobs is None and request.scored else request.logprobs
    return Job(
        id=job_id,
        prompt=_segments(request, model),
        max_tokens=request.max_tokens,
        min_tokens=request.min_tokens,
        sampling=request.sampling,
        grammar=grammar,
        stop=request.stop,
        logprobs=logprobs,
        prompt_logprobs=request.logprobs if request.echo else None,
    )


def _segments(request: TextRequest, model: LoadedModel) -> tuple[Segment, ...]:
    """The prompt, or its parts for fill-in-the-middle: the texts before and after a gap.

    Control tokens are recognised in a prompt only.
    """
    prompt = request.prompt
    if request.suffix is None:
        return (Segment(prompt.text, tokens=prompt.tokens),)
    infill = model.ready.infill
    if infill is None:
        raise UnsupportedParameter(
            "This model was not trained to fill a gap: its file names no tokens for that; leave "
            "'suffix' out.",
            param="suffix",
        )
    return (
        Segment("", tokens=infill.begin),
        Segment(prompt.text, special=False, tokens=prompt.tokens),
        Segment("", tokens=infill.between),
        Segment(request.suffix, special=False),
        Segment("", tokens=infill.end),
    )


def _grammar(request: TextRequest, model: LoadedModel) -> tuple[Grammar | None, GrammarText | None]:
    if request.grammar is not None:
        return client_grammar(request.grammar, model)
    if request.form is None:
        return None, None
    grammar, text = schema_grammar(request.form.schema, request.form.param, model)
    if request.form.strict:
        refuse_loosened(grammar, [request.form.param])
    return grammar, text
