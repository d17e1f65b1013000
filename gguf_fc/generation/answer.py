"""The whole server in one function: requests become prompts, jobs, chunks, events.

Every protocol is an encoder over what ``answer`` yields.  This module knows neither HTTP nor any
protocol's JSON.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from gguf_fc.dialect import Dialect, Prompt, Unsaid
from gguf_fc.errors import (
    ContextLengthExceeded,
    EngineError,
    GgufFcError,
    GrammarError,
    InvalidParameter,
    SchemaNotEnforceable,
    UnsupportedParameter,
    error_for,
)
from gguf_fc.events import Event, Finish, ParseEvent, ReasoningDelta, Scores
from gguf_fc.generation.context_window import Fitted, fitted
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.generation.instructions import instructed
from gguf_fc.generation.merge import merged
from gguf_fc.generation.questions import ask
from gguf_fc.generation.reply_checks import ReplyChecks
from gguf_fc.generation.shared_prefix import shared_beginning
from gguf_fc.grammar import Grammar
from gguf_fc.job import (
    Accepted,
    Chunk,
    Done,
    Failed,
    FromWorker,
    GrammarText,
    Job,
    Measure,
    Measured,
    ReasoningLimit,
)
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.request import Request, Tool

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ids:
    """Where fresh ids come from."""

    reply: Callable[[], str]
    call: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply the engine has accepted.  The last event of each choice is ``Finish``."""

    id: str
    model: str  # the name it is offered under
    prompt_tokens: int  # of the first choice
    loosened: tuple[str, ...]  # "path:keyword" for each schema keyword no grammar can hold
    events: AsyncGenerator[tuple[int, Event]]  # with the choice they belong to
    left_out: int = 0  # messages, because the conversation was too long


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided before the first token."""

    prompt: Prompt
    grammar: Grammar
    job: Job
    parser: Unsaid

    @property
    def loosened(self) -> tuple[str, ...]:
        """What the grammar does not hold."""
        return tuple(f"{item.path}:{item.keyword}" for item in self.grammar.report)


@asynccontextmanager
async def answer(
    requests: Sequence[Request], pool: Pool, grammars: GrammarCache, ids: Ids
) -> AsyncIterator[Answer]:
    """The reply to *requests*, each of which is a choice of it.

    Leaving the context cancels what is not finished.  The requests must ask for the same model.
    Raises RequestError or ServerError, here or from the events.
    """
    async with pool.use(requests[0].model) as model, AsyncExitStack() as stack:
        plans, accepted, choices = [], [], []
        fits = [await _fitted(request, model, ids) for request in requests]
        for request in (fit.request for fit in fits):
            plan = await asyncio.to_thread(plan_answer, request, model, grammars, ids)
            messages = await stack.enter_async_context(aclosing(model.worker.run(plan.job)))
            accepted.append(await _accepted(messages, request, plan.job))
            checks = ReplyChecks(request, grammars.validators, plan.prompt.said)
            events = _events(messages, plan.parser, checks)
            choices.append(await stack.enter_async_context(aclosing(events)))
            plans.append(plan)
        async with aclosing(merged(choices)) as events_of_all:
            yield Answer(
                id=plans[0].job.id,
                model=model.name,
                prompt_tokens=accepted[0].prompt_tokens,
                loosened=plans[0].loosened,
                events=events_of_all,
                left_out=fits[0].left_out,
            )


async def _fitted(request: Request, model: LoadedModel, ids: Ids) -> Fitted:
    """*request* as the model can read it."""

    async def length(shorter: Request) -> int:
        return await prompt_length(shorter, model, ids.reply())

    return await fitted(request, model.ready.n_ctx, length)


async def prompt_length(request: Request, model: LoadedModel, question_id: str) -> int:
    """The tokens of the prompt that *request* becomes."""
    prompt = await asyncio.to_thread(prompt_of, request, model.dialect, request.shown_tools)
    question = Measure(id=question_id, prompt=prompt.segments)
    return (await ask(model, question, Measured, param=request.messages_at)).prompt_tokens


async def _accepted(messages: AsyncGenerator[FromWorker], request: Request, job: Job) -> Accepted:
    first = await anext(messages)
    if isinstance(first, Failed):
        error = failure(first)
        if isinstance(error, ContextLengthExceeded):
            error.param = request.messages_at
        elif isinstance(error, GrammarError):
            if request.grammar is not None:
                error.param = "grammar"
            elif job.grammar is not None and job.grammar.begun:
                raise _unlike_begun(error, request)
        raise error
    assert isinstance(first, Accepted)
    return first


async def _events(
    messages: AsyncGenerator[FromWorker], parser: Unsaid, checks: ReplyChecks
) -> AsyncGenerator[Event]:
    reasoning = _ReasoningTokens()
    async for message in messages:
        match message:
            case Chunk(text=text):
                if message.logprobs:
                    yield Scores(message.logprobs)
                said = parser.feed(text)
                reasoning.note(message.n_tokens, said)
                for event in said:
                    await checks.note(event)
                    yield event
            case Done(finish_reason="cancelled"):
                raise EngineError("The server is stopping; the reply was cut off.")
            case Done():
                for event in parser.finish(whole=message.finish_reason == "stop"):
                    await checks.note(event)
                    yield event
                yield Finish(message, await checks.finish(message), reasoning.count)
            case Failed():
                raise failure(message)
            case _:
                raise EngineError(f"The engine answered out of turn: {message}.")


@dataclass(slots=True)
class _ReasoningTokens:
    """Counts the tokens before the first thing a reply says that is not reasoning."""

    _before: int = 0
    _reasoned: bool = False
    _over: bool = False

    def note(self, n_tokens: int, said: Sequence[ParseEvent]) -> None:
        """Take in *said*, which ends with the last of *n_tokens*."""
        self._over = self._over or any(not isinstance(event, ReasoningDelta) for event in said)
        if not self._over:
            self._reasoned = self._reasoned or bool(said)
            self._before += n_tokens

    @property
    def count(self) -> int:
        """Tokens of reasoning so far."""
        return self._before if self._reasoned else 0


def failure(failed: Failed) -> GgufFcError:
    """The error the worker's word stands for."""
    error = error_for(failed.code, failed.message)
    if failed.code == "context_length_exceeded":
        error.param = "messages"
    return error


def prompt_of(request: Request, dialect: Dialect, tools: Sequence[Tool]) -> Prompt:
    """What the model reads where it is shown *tools*."""
    messages = instructed(request)
    on = False if request.thinking_budget == 0 else request.thinking
    thinking = dialect.thinking_variables(on, request.effort)
    # What a client says by the template's own names wins.
    prompt = dialect.render(messages, tools=tools, **{**thinking, **request.template_variables})
    if prompt.warning is not None:
        logger.warning("prompt written without the template's own way: %s", prompt.warning)
    return prompt


def plan_answer(request: Request, model: LoadedModel, grammars: GrammarCache, ids: Ids) -> Plan:
    """Everything that can be decided before the first token; runs off the event loop."""
    refuse_embedding_model(model)
    refuse_small_context(request.n_ctx, model)
    dialect = model.dialect
    prompt = prompt_of(request, dialect, request.shown_tools)
    grammar, text = _grammar(request, model, grammars, prompt)
    _refuse_loosened_strict(grammar, request)
    job = Job(
        id=ids.reply(),
        prompt=prompt.segments,
        prefix=shared_beginning(prompt.text, request.messages),
        max_tokens=request.max_tokens,
        sampling=request.sampling,
        grammar=text,
        reasoning=_reasoning(request, dialect, prompt),
        stop=request.stop,
        prediction=request.prediction,
        logprobs=request.logprobs,
    )
    callable_tools = [tool for tool in request.tools if request.tool_choice.permits(tool.name)]
    # A client's own grammar is over the whole reply, so nothing of it was begun by the prompt.
    prefill = prompt.prefill if request.grammar is None else ""
    inline = not request.separate_reasoning
    parser = dialect.parser(callable_tools, prefill, ids.call, inline=inline)
    return Plan(prompt, grammar, job, Unsaid(parser, prompt))


def _reasoning(request: Request, dialect: Dialect, prompt: Prompt) -> ReasoningLimit | None:
    """Where the reply's reasoning is to end; at once where it is switched off."""
    if request.grammar is not None:
        if request.thinking_budget is not None:
            raise InvalidParameter(
                "'grammar' is over the whole reply, so its reasoning cannot be limited as well; "
                "leave out the budget, or hold the reasoning in the grammar.",
                param="grammar",
            )
        return None
    budget = 0 if request.thinking is False else request.thinking_budget
    return dialect.reasoning_limit(prompt.prefill, budget)


def _grammar(
    request: Request, model: LoadedModel, grammars: GrammarCache, prompt: Prompt
) -> tuple[Grammar, GrammarText]:
    """The grammar of what follows the prompt, or of that and what the client has begun."""
    try:
        return grammars.get(model, request, prompt.prefill)
    except GrammarError as error:
        if not prompt.said:
            raise
        if prompt.unsaid is None or request.tool_choice.mode in ("required", "named"):
            raise _unlike_begun(error, request) from error
        grammar, text = grammars.get(model, request, prompt.unsaid)
        begun = prompt.said.lstrip()
        if not grammar.begins(begun):
            raise _unlike_begun(error, request) from error
        return grammar, replace(text, begun=begun)


def _unlike_begun(error: GrammarError, request: Request) -> InvalidParameter:
    return InvalidParameter(
        "The reply cannot go on from the assistant's message at the end of "
        f"'{request.messages_at}' and have the form that 'tool_choice' or "
        f"'{request.format.schema_at}' asks for; leave one of them out. ({error.message})",
        param=request.messages_at,
    )


def refuse_embedding_model(model: LoadedModel) -> None:
    """Raises UnsupportedParameter where *model* cannot write."""
    if not model.ready.generates:
        raise UnsupportedParameter(
            f"The model '{model.name}' writes no text, it makes embeddings: name another, or send "
            "the text to /v1/embeddings.",
            param="model",
        )


def refuse_small_context(n_ctx: int | None, model: LoadedModel) -> None:
    """A client that counts on more context than there is would be cut short without knowing."""
    if n_ctx is not None and n_ctx > model.ready.n_ctx:
        raise InvalidParameter(
            f"'num_ctx' is {n_ctx}, but a conversation can have {model.ready.n_ctx} tokens "
            "here; ask for less, or start the server with a larger --ctx.",
            param="num_ctx",
        )


def _refuse_loosened_strict(grammar: Grammar, request: Request) -> None:
    """``strict`` turns a keyword that cannot be enforced into an error."""
    strict = [tool.parameters_at(n) for n, tool in enumerate(request.tools) if tool.strict]
    if request.format.strict:
        strict.append(request.format.schema_at)
    for item in grammar.report:
        for place in strict:
            if f"{item.path}.".startswith(f"{place}."):
                raise SchemaNotEnforceable(
                    f"'{item.path}': the keyword '{item.keyword}' cannot be enforced "
                    f"({item.reason}); remove it or leave out 'strict'.",
                    param=item.path,
                )
