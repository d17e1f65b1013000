"""``Generator``: the whole server in one class; requests become prompts, jobs, messages, events.

Every protocol is an encoder over the events.  This module knows neither HTTP nor any protocol's
JSON.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from gguf_fc.errors import GgufFcError, GrammarError
from gguf_fc.generation.context_window import Fitted, fitted
from gguf_fc.generation.generation import (
    Complete,
    Generate,
    Generation,
    PendingGeneration,
)
from gguf_fc.generation.grammar_cache import GrammarCache
from gguf_fc.generation.job_events import failure_of, job_events
from gguf_fc.generation.merge_streams import merged
from gguf_fc.generation.plan_reply import ReplyPlan, plan_reply, unlike_begun
from gguf_fc.generation.questions import prompt_length
from gguf_fc.generation.reply_memory import ReplyMemory
from gguf_fc.generation.text_completion import TextCompleter
from gguf_fc.job import Accepted, FromWorker
from gguf_fc.models.pool import LoadedModel, Pool
from gguf_fc.request import Request, TextRequest

Watch = Callable[[PendingGeneration], PendingGeneration]  # passes it on, and counts its events


def _unwatched(pending: PendingGeneration) -> PendingGeneration:
    return pending


@dataclass(frozen=True, slots=True)
class Ids:
    """Sources of fresh ids."""

    reply: Callable[[], str]
    call: Callable[[], str]

    @classmethod
    def with_prefixes(cls, reply: str, call: str) -> Self:
        """Random ids behind the prefixes that a protocol's clients know."""
        return cls(
            reply=lambda: f"{reply}{uuid.uuid4().hex}",
            call=lambda: f"{call}{secrets.token_hex(12)}",
        )


@dataclass(frozen=True, slots=True)
class Generator:
    """Replies to conversations and completions of texts, remembered and counted.

    One for all endpoints.  *watch* is how metrics see what goes by.
    """

    pool: Pool
    grammars: GrammarCache = field(default_factory=GrammarCache)
    memory: ReplyMemory = field(default_factory=ReplyMemory)
    watch: Watch = _unwatched

    def replies(self, ids: Ids) -> Generate:
        """``reply`` with the ids of one protocol."""
        return partial(self.reply, ids=ids)

    def reply(self, requests: Sequence[Request], ids: Ids) -> PendingGeneration:
        """The reply to *requests*, each of which is a choice of it; all name the same model."""
        return self.watch(self._reply([*map(self._restored, requests)], ids))

    def completions(self, ids: Ids) -> Complete:
        """``complete`` with the ids of one protocol."""
        return partial(self.complete, ids=ids)

    def complete(self, requests: Sequence[TextRequest], ids: Ids) -> PendingGeneration:
        """The completion of *requests*, each of which is a choice of it; as ``reply``."""
        completer = TextCompleter(self.pool, self.grammars.validators, ids.reply)
        return self.watch(completer.complete(requests))

    def _restored(self, request: Request) -> Request:
        """*request* with its past calls, if it has any, as the model wrote them."""
        has_calls = any(message.tool_calls for message in request.messages)
        return self.memory.restored(request) if has_calls else request

    @asynccontextmanager
    async def _reply(self, requests: Sequence[Request], ids: Ids) -> AsyncIterator[Generation]:
        async with self.pool.use(requests[0].model) as model, AsyncExitStack() as stack:
            fits = [await _fitted(request, model, ids) for request in requests]
            plans, accepted, choices = [], [], []
            for choice, fit in enumerate(fits):
                plan = await asyncio.to_thread(
                    plan_reply, fit.request, model, self.grammars, ids.reply(), ids.call
                )
                plan.reader.remember = self.memory.made.append
                messages = await stack.enter_async_context(aclosing(model.worker.run(plan.job)))
                accepted.append(await _accepted(messages, plan))
                cancel = partial(model.worker.cancel, plan.job.id)
                events = job_events(choice, messages, plan.reader, fit.request.messages_at, cancel)
                choices.append(await stack.enter_async_context(aclosing(events)))
                plans.append(plan)
            whole = merged(choices) if len(choices) > 1 else choices[0]
            async with aclosing(whole) as events_of_all:
                yield Generation(
                    id=plans[0].job.id,
                    model=model.name,
                    prompt_tokens=accepted[0].prompt_tokens,
                    loosened=plans[0].loosened,
                    events=events_of_all,
                    left_out=fits[0].left_out,
                    warnings=_warnings(requests[0], fits[0], model),
                )


def _warnings(request: Request, fit: Fitted, model: LoadedModel) -> tuple[str, ...]:
    left_out = (
        f"{request.messages_at}: the {fit.left_out} oldest were left out, as the conversation was "
        "too long."
    )
    return (*model.smaller_context(request.n_ctx), *([left_out] if fit.left_out else []))


async def _fitted(request: Request, model: LoadedModel, ids: Ids) -> Fitted:
    """*request* without its oldest turns, where it is too long and the client allows that."""
    if not request.leave_out_oldest:
        return Fitted(request)

    async def length(shorter: Request) -> int:
        return await prompt_length(shorter, model, ids.reply())

    return await fitted(request, model.ready.n_ctx, length)


async def _accepted(messages: AsyncGenerator[FromWorker], plan: ReplyPlan) -> Accepted:
    """The first of a job's messages.  Raises what the worker refuses the job for."""
    first = await anext(messages)
    if not isinstance(first, Accepted):
        raise _refusal(failure_of(first, plan.request.messages_at), plan)
    return first


def _refusal(error: GgufFcError, plan: ReplyPlan) -> GgufFcError:
    """*error* with the place of the grammar at fault, if it is one's."""
    if isinstance(error, GrammarError):
        if plan.request.grammar is not None:
            error.param = plan.request.grammar.param
        elif plan.job.grammar is not None and plan.job.grammar.begun:
            return unlike_begun(error, plan.request)
    return error
