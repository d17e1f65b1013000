"""Request to prompt: the instructions added to its messages, and the template's reading of them.

A grammar holds a model to a schema it has not seen, but what it then writes is nonsense; so the
schema is shown as well, at the end of the system message.  Verbosity can only be asked for in
words.

Knows neither tokens nor the KV cache that makes use of a shared prefix.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence

import orjson

from gguf_fc.dialect import Dialect, Prompt
from gguf_fc.request import Format, Message, Request, Tool

logger = logging.getLogger(__name__)

SYSTEM_ROLES = ("system", "developer")
LENGTHS = {"low": "Answer as briefly as you can.", "high": "Answer fully and in detail."}


def prompt_of(request: Request, dialect: Dialect, tools: Sequence[Tool]) -> Prompt:
    """The prompt that shows the model *tools*; not those that *request* has but may not call."""
    schema, told = request.format.schema, {}
    if request.format.type == "json_schema" and isinstance(schema, dict):
        told = dialect.templates.schema_variables(schema, request.messages, tools)
    messages = instructed(request, schema_told=bool(told))
    on = False if request.thinking_budget == 0 else request.thinking
    variables = {
        "parallel_tool_calls": request.parallel_tool_calls,
        **dialect.thinking_variables(on, request.effort),
        **told,
    }
    # What a client says by the template's own names wins.
    prompt = dialect.render(messages, tools=tools, **{**variables, **request.template_variables})
    if prompt.warning is not None:
        logger.warning("prompt written without the template's own way: %s", prompt.warning)
    return prompt


def instructed(request: Request, *, schema_told: bool = False) -> tuple[Message, ...]:
    """The request's messages, with instructions about the answer in the system message.

    With *schema_told* the template tells of the answer's schema itself.
    """
    messages = request.messages
    instruction = "\n\n".join(_instructions(request, schema_told=schema_told))
    if not instruction:
        return messages
    if messages and messages[0].role in SYSTEM_ROLES:
        first = messages[0]
        joined = "\n\n".join(filter(None, (first.content, instruction)))
        return (dataclasses.replace(first, content=joined), *messages[1:])
    return (Message(role="system", content=instruction), *messages)


def _instructions(request: Request, *, schema_told: bool) -> Iterator[str]:
    if request.verbosity in LENGTHS:
        yield LENGTHS[request.verbosity]
    match request.format:
        case Format(type="json_object"):
            yield "Answer only with a JSON object."
        case Format(type="json_schema", schema=schema, description=description):
            shown = orjson.dumps(schema).decode()
            if not schema_told:
                yield f"Answer only with JSON that matches this JSON Schema: {shown}"
            if description is not None:
                yield description
        case _:
            pass


def shared_prefix(prompt: str, messages: Sequence[Message]) -> int:
    """Characters of *prompt* that other conversations begin with too: system text and tools.

    The template decides where these stand, so the end is found in its output: where the first
    question begins.  0 if that is unclear; it is clear in the first turn of a conversation at
    least, and wherever the question is not repeated.
    """
    turns = [message for message in messages if message.role not in SYSTEM_ROLES]
    if not turns or turns[0].role != "user":
        return 0
    question = (turns[0].content or "").strip()
    at = prompt.rfind(question)
    if not question or at < 0:
        return 0
    return at if len(turns) == 1 or prompt.find(question) == at else 0
