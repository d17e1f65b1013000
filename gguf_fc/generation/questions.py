"""Questions to a model's worker that one message answers."""

from __future__ import annotations

from contextlib import aclosing
from typing import TypeVar

from gguf_fc.errors import (
    ContextLengthExceeded,
    EngineError,
    GgufFcError,
    InvalidParameter,
    error_for,
)
from gguf_fc.job import Answer, Failed, Question
from gguf_fc.models.pool import LoadedModel

T = TypeVar("T", bound=Answer)


async def ask(model: LoadedModel, question: Question, reply: type[T], *, param: str) -> T:
    """The answer to *question*, which is of the type *reply*.

    *param* is the field of the request whose text may be of no use.  Raises GgufFcError.
    """
    async with aclosing(model.worker.run(question)) as messages:
        match await anext(messages):
            case reply() as answer:
                return answer
            case Failed() as failed:
                raise error_of(failed, param)
            case other:
                raise EngineError(f"The engine answered out of turn: {other}.")


def error_of(failed: Failed, param: str) -> GgufFcError:
    """The error the worker's word stands for; *param* is the field that held the text."""
    error = error_for(failed.code, failed.message)
    if isinstance(error, ContextLengthExceeded | InvalidParameter):
        error.param = param
    return error
