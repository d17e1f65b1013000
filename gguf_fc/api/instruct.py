"""Tell the model about the form its answer must have.

A grammar holds a model to a schema it has not seen, but what it then writes is nonsense; so the
schema is shown as well (R5.3).
"""

from __future__ import annotations

import dataclasses

import orjson

from gguf_fc.request import Format, Message


def with_format_instruction(messages: tuple[Message, ...], form: Format) -> tuple[Message, ...]:
    """*messages* with the form described at the end of the system message."""
    if form.type == "text":
        return messages
    instruction = "Answer only with a JSON object."
    if form.type == "json_schema":
        schema = orjson.dumps(form.schema).decode()
        instruction = f"Answer only with JSON that matches this JSON Schema: {schema}"
    if messages and messages[0].role in ("system", "developer"):
        first = messages[0]
        joined = "\n\n".join(filter(None, (first.content, instruction)))
        return (dataclasses.replace(first, content=joined), *messages[1:])
    return (Message(role="system", content=instruction), *messages)
