"""Bodies of Ollama's protocol to ``Request``: the rules that types alone cannot express.

Knows which combinations of fields make sense; knows nothing of templates, grammars or engines.
A request without messages is one to load the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gguf_fc.dialect.openai_json.messages import past_call, unread_arguments
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import Declared, checked_tools
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.job import Sampling
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.ollama.schema import (
    OLLAMA_CHAT,
    OLLAMA_GENERATE,
    OllamaBody,
    OllamaCall,
    OllamaChatBody,
    OllamaGenerateBody,
    OllamaMessage,
    OllamaOptions,
    OllamaTool,
)
from gguf_fc.protocols.protocol import Asked
from gguf_fc.protocols.sampling import sampling_of, stop_strings
from gguf_fc.request import (
    Form,
    Format,
    Given,
    Message,
    Request,
    TextRequest,
    Tool,
    ToolCall,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPrompt:
    """A prompt for the model without its template, and the context length the client counts on."""

    text: TextRequest
    n_ctx: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaAsked(Asked[Request | RawPrompt]):
    """One request, and the model as the client called it."""

    name: str


def read_chat(body: bytes, pool: Pool) -> OllamaAsked:
    """Request of ``/api/chat``; *pool* has the sampling defaults.  Raises RequestError."""
    fields, ignored = OLLAMA_CHAT.parse(body)
    entry = pool.find(fields.model)
    request = chat_request(fields, entry.alias, entry.sampling)
    return OllamaAsked(
        requests=(request,),
        stream=fields.stream is not False,
        ignored=(*ignored, *unread_arguments(request.messages)),
        name=fields.model,
    )


def read_generate(body: bytes, pool: Pool) -> OllamaAsked:
    """Request of ``/api/generate``, as ``read_chat``."""
    fields, ignored = OLLAMA_GENERATE.parse(body)
    entry = pool.find(fields.model)
    return OllamaAsked(
        requests=(generate_request(fields, entry.alias, entry.sampling),),
        stream=fields.stream is not False,
        ignored=ignored,
        name=fields.model,
    )


def chat_request(body: OllamaChatBody, model: str, defaults: Sampling) -> Request:
    """Translate *body*, which asks for the model offered as *model*."""
    tools = _tools(body.tools or [])
    return dataclasses.replace(
        _request(body, model, defaults),
        messages=tuple(_message(message, n) for n, message in enumerate(body.messages or [])),
        tools=tools,
        tool_choice=tool_choice_of(body.tool_choice, tools),
    )


def generate_request(
    body: OllamaGenerateBody, model: str, defaults: Sampling
) -> Request | RawPrompt:
    """Translate *body*, which asks for the model offered as *model*."""
    if body.prompt and (body.raw or body.suffix):
        return _raw_prompt(body, model, defaults)
    prompt = (Message(role="user", content=body.prompt),) if body.prompt else ()
    system = (Message(role="system", content=body.system),) if prompt and body.system else ()
    return dataclasses.replace(_request(body, model, defaults), messages=(*system, *prompt))


def _raw_prompt(body: OllamaGenerateBody, model: str, defaults: Sampling) -> RawPrompt:
    """Prompt without the template, which alone reads instructions and ends reasoning."""
    for name, given in (("system", body.system), ("think", body.think)):
        if given:
            raise InvalidParameter(
                f"'{name}' is part of the model's template, which 'raw' and 'suffix' do without; "
                "leave it out.",
                param=name,
            )
    shared = _request(body, model, defaults)
    form = shared.format
    schema = {"type": "object"} if form.schema is None else form.schema
    return RawPrompt(
        text=TextRequest(
            model=model,
            prompt=Given(param="prompt", text=body.prompt or ""),
            suffix=body.suffix or None,
            max_tokens=shared.max_tokens,
            sampling=shared.sampling,
            stop=shared.stop,
            form=None if form.type == "text" else Form(schema=schema, param="format"),
            logprobs=shared.logprobs,
        ),
        n_ctx=shared.n_ctx,
    )


def _request(body: OllamaBody, model: str, defaults: Sampling) -> Request:
    options = body.options or OllamaOptions()
    if options.num_predict == 0:
        raise InvalidParameter(
            "'options.num_predict' is 0; leave it out, or send at least 1.",
            param="options.num_predict",
        )
    if body.top_logprobs is not None and not body.logprobs:
        raise InvalidParameter(
            "'top_logprobs' is only allowed when 'logprobs' is true.", param="top_logprobs"
        )
    limit = options.num_predict
    return Request(
        model=model,
        messages=(),
        format=_format(body.format),
        max_tokens=None if limit is None or limit < 0 else limit,
        n_ctx=options.num_ctx,
        leave_out_oldest=bool(body.truncate),
        sampling=sampling_of(options, defaults),
        thinking=None if body.think is None else bool(body.think),
        effort=body.think if isinstance(body.think, str) else None,
        stop=stop_strings(options.stop),
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        stream=body.stream is not False,
    )


def _message(message: OllamaMessage, n: int) -> Message:
    where = f"messages[{n}]"
    if message.images:
        raise UnsupportedParameter(
            f"'{where}.images' has images; this server reads only text. Say in words what they "
            "show, or leave them out.",
            param=f"{where}.images",
        )
    if message.tool_calls and message.role != "assistant":
        raise InvalidParameter(
            f"'{where}.tool_calls' is only allowed for the role assistant.",
            param=f"{where}.tool_calls",
        )
    # An assistant that only called has said nothing; that is not the same as an empty text.
    silent = message.role == "assistant" and not message.content
    return Message(
        role=message.role,
        content=None if silent else message.content or "",
        reasoning_content=message.thinking or None,
        tool_calls=_calls(message.tool_calls or [], f"{where}.tool_calls"),
        tool_call_id=message.tool_call_id,
        name=message.tool_name,
    )


def _calls(calls: Sequence[OllamaCall], where: str) -> tuple[ToolCall, ...]:
    return tuple(
        past_call(
            call.id,
            call.function.name,
            call.function.arguments,
            f"{where}[{i}].function.arguments",
        )
        for i, call in enumerate(calls)
    )


def _tools(tools: Sequence[OllamaTool]) -> tuple[Tool, ...]:
    return checked_tools(
        Declared(
            tool=Tool(
                name=tool.function.name,
                description=tool.function.description,
                parameters=tool.function.parameters,
            ),
            name_at=f"tools[{i}].function.name",
            schema_at=f"tools[{i}].function.parameters",
        )
        for i, tool in enumerate(tools)
    )


def _format(form: str | dict[str, Any] | None) -> Format:
    match form:
        case dict():
            return Format(type="json_schema", schema=form, schema_at="format")
        case "json":
            return Format(type="json_object")
        case _:
            return Format()
