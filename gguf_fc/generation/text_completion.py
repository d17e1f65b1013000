"""Texts gone on with: requests become prompts, jobs, chunks, events.

What ``api.answer`` is for conversations.  There is no dialect here: what the model writes is text.
An echoed prompt is the beginning of the text, so it comes as the first event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import chain

from gguf_fc.errors import EngineError, SchemaNotEnforceable, UnsupportedParameter
from gguf_fc.events import Check, Event, Finish, Scores, TextDelta
from gguf_fc.generation.answer import Answer, refuse_embedding_model
from gguf_fc.generation.grammar_cache import client_grammar, schema_grammar
from gguf_fc.generation.merge import merged
from gguf_fc.generation.questions import ask, error_of
from gguf_fc.generation.token_prompts import refuse_unknown_tokens
from gguf_fc.generation.validation import Validators
from gguf_fc.grammar import Grammar
from gguf_fc.job import (
    Accepted,
    Chunk,
    Detokenize,
    Detokenized,
    Done,
    Failed,
    FromWorker,
    GrammarText,
    Job,
    PromptScores,
    Segment,
    TokenLogprob,
)
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.request import Form, Given, TextRequest


@dataclass(frozen=True, slots=True)
class Completer:
    """Goes on with texts.  *new_id* makes ids of replies."""

    pool: Pool
    validators: Validators
    new_id: Callable[[], str]

    @asynccontextmanager
    async def complete(self, requests: Sequence[TextRequest]) -> AsyncIterator[Answer]:
        """The reply to *requests*, each of which is a choice of it.

        All ask for the same model and the same form.  No more of them run at once than the model
        has places, so that one body cannot fill the queue.  Leaving the context cancels what is
        not finished.  Raises RequestError or ServerError, here or from the events.
        """
        async with self.pool.use(requests[0].model) as model, AsyncExitStack() as stack:
            refuse_embedding_model(model)
            refuse_unknown_tokens([request.prompt for request in requests], model)
            grammar, text = await asyncio.to_thread(_grammar, requests[0], model)
            echoes = await self._echoes(requests, model)
            places = asyncio.Semaphore(model.ready.n_parallel)
            choices = []
            for request in requests:
                job = _job(request, self.new_id(), text, model)
                events = self._choice(request, job, echoes[request.prompt], model, places)
                choices.append(await stack.enter_async_context(aclosing(events)))
            async with aclosing(merged(choices)) as events_of_all:
                yield Answer(
                    id=self.new_id(),
                    model=model.name,
                    prompt_tokens=0,  # known choice by choice, at their ends
                    loosened=_loosened(grammar),
                    events=events_of_all,
                )

    async def _echoes(
        self, requests: Sequence[TextRequest], model: LoadedModel
    ) -> dict[Given, str | None]:
        """What each prompt is as text; None where it is not to be repeated."""
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

    async def _choice(
        self,
        request: TextRequest,
        job: Job,
        echo: str | None,
        model: LoadedModel,
        places: asyncio.Semaphore,
    ) -> AsyncGenerator[Event]:
        async with places, aclosing(model.worker.run(job)) as messages:
            said: list[str] = []
            async for event in _events(messages, echo, request.prompt.param):
                match event:
                    case TextDelta(text):
                        said.append(text)
                        yield event
                    case Finish(done):
                        text = "".join(said)[len(echo or "") :]
                        checks = await self._checks(request.form, text, done)
                        yield Finish(done, checks)
                    case _:
                        yield event

    async def _checks(self, form: Form | None, text: str, done: Done) -> tuple[Check, ...]:
        if form is None or done.finish_reason != "stop":
            return ()
        verdict = await self.validators.judge("answer", text, form.schema)
        return (Check("text", verdict.result, verdict.reason),)


async def _events(
    messages: AsyncGenerator[FromWorker], echo: str | None, param: str
) -> AsyncGenerator[Event]:
    """What a job says, the echo first.  *param* is where its prompt was given."""
    prompt: list[TokenLogprob] = []
    begun = False
    async for message in messages:
        match message:
            case Accepted():
                pass
            case PromptScores(logprobs=logprobs):
                prompt += logprobs
            case Chunk() | Done():
                for event in chain(() if begun else _beginning(echo, prompt), _said(message)):
                    yield event
                begun = True
            case Failed():
                raise error_of(message, param)
            case _:
                raise EngineError(f"The engine answered out of turn: {message}.")


def _said(message: Chunk | Done) -> Iterator[Event]:
    match message:
        case Chunk(text=text, logprobs=logprobs):
            if logprobs:
                yield Scores(logprobs)
            yield TextDelta(text)
        case Done(finish_reason="cancelled"):
            raise EngineError("The server is stopping; the reply was cut off.")
        case Done():
            yield Finish(message)


def _beginning(echo: str | None, prompt: Sequence[TokenLogprob]) -> Iterator[Event]:
    if prompt:
        yield Scores(tuple(prompt))
    if echo is not None:
        yield TextDelta(echo)


def _job(request: TextRequest, job_id: str, grammar: GrammarText | None, model: LoadedModel) -> Job:
    logprobs = 0 if request.logprobs is None and request.scored else request.logprobs
    return Job(
        id=job_id,
        prompt=_segments(request, model),
        max_tokens=request.max_tokens,
        sampling=request.sampling,
        grammar=grammar,
        stop=request.stop,
        logprobs=logprobs,
        prompt_logprobs=request.logprobs if request.echo else None,
    )


def _segments(request: TextRequest, model: LoadedModel) -> tuple[Segment, ...]:
    """The prompt, or the two texts around a gap.  Control tokens are read in a prompt only."""
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
        for item in grammar.report:
            raise SchemaNotEnforceable(
                f"'{item.path}': the keyword '{item.keyword}' cannot be enforced ({item.reason}); "
                "remove it or leave out 'strict'.",
                param=item.path,
            )
    return grammar, text


def _loosened(grammar: Grammar | None) -> tuple[str, ...]:
    report = () if grammar is None else grammar.report
    return tuple(f"{item.path}:{item.keyword}" for item in report)
