"""Questions to a model's worker that one message answers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TypeVar

from gguf_fc.generation.job_events import failure_of
from gguf_fc.generation.prompt import prompt_of
from gguf_fc.job import Answer, Measure, Measured, Question
from gguf_fc.models.pool import LoadedModel
from gguf_fc.request import Request

T = TypeVar("T", bound=Answer)


async def ask(model: LoadedModel, question: Question, reply: type[T], *, param: str) -> T:
    """The answer to *question*, which is of the type *reply*.

    *param* is the field of the request whose text may be of no use.  Raises GgufFcError.
    """
    async with aclosing(model.worker.run(question)) as messages:
        answer = await anext(messages)
    if isinstance(answer, reply):
        return answer
    raise failure_of(answer, param)


async def prompt_length(request: Request, model: LoadedModel, question_id: str) -> int:
    """The tokens of the prompt that *request* becomes."""
    prompt = await asyncio.to_thread(prompt_of, request, model.dialect, request.shown_tools)
    question = Measure(id=question_id, prompt=prompt.segments)
    return (await ask(model, question, Measured, param=request.messages_at)).prompt_tokens
