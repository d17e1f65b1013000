"""Tell the model what the request says about its answer, at the end of the system message.

A grammar holds a model to a schema it has not seen, but what it then writes is nonsense; so the
schema is shown as well (R5.3).  How much to say can only be asked for in words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import orjson

from gguf_fc.request import Format, Message, Request

LENGTHS = {"low": "Answer as briefly as you can.", "high": "Answer fully and in detail."}


def instructed(request: Request) -> tuple[Message, ...]:
    """The request's messages, with what the model has to be told of its answer."""
    messages = request.messages
    instruction = "\n\n".join(_instructions(request))
    if not instruction:
        return messages
    if messages and messages[0].role in ("system", "developer"):
        first = messages[0]
        joined = "\n\n".join(filter(None, (first.content, instruction)))
        return (dataclasses.replace(first, content=joined), *messages[1:])
    return (Message(role="system", content=instruction), *messages)


def _instructions(request: Request) -> Iterator[str]:
    if request.verbosity in LENGTHS:
        yield LENGTHS[request.verbosity]
    match request.format:
        case Format(type="json_object"):
            yield "Answer only with a JSON object."
        case Format(type="json_schema", schema=schema, description=description):
            shown = orjson.dumps(schema).decode()
            yield f"Answer only with JSON that matches this JSON Schema: {shown}"
            if description is not None:
                yield description
        case _:
            pass
