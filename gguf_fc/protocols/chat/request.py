"""Body of a chat completion to ``Request``: the rules that types alone cannot express.

Knows which combinations of fields make sense; knows nothing of templates, grammars or engines.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.openai_json.functions import function_choice_of, functions_of
from gguf_fc.dialect.openai_json.messages import messages_of, text_of, unread_arguments
from gguf_fc.dialect.openai_json.response_format import format_of
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import tools_of
from gguf_fc.errors import InvalidParameter
from gguf_fc.job import Sampling
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.chat.calls import CallForm
from gguf_fc.protocols.chat.schema import CHAT, ChatBody
from gguf_fc.protocols.constraints import Constrained, constraint_of
from gguf_fc.protocols.fields import agreed
from gguf_fc.protocols.protocol import Asked
from gguf_fc.protocols.sampling import least_tokens, sampling_of, seeded, stop_strings
from gguf_fc.protocols.stream_options import refuse_without_stream, unpadded
from gguf_fc.request import Format, Request, Tool, ToolChoice

LIMITS = ("max_completion_tokens", "max_tokens", "n_predict")
BUDGETS = (
    *("thinking_budget", "thinking_budget_tokens"),
    *("reasoning_budget", "reasoning_budget_tokens"),
)

# Variables of a template that the server sets.
OWN_VARIABLES = frozenset(
    {"messages", "tools", "add_generation_prompt", "bos_token", "eos_token", "self"}
)


@dataclass(frozen=True, slots=True)
class Callables:
    """Tools, the choice among them, and the form in which the client reads calls."""

    tools: tuple[Tool, ...]
    choice: ToolChoice
    parallel: bool | None  # None: not sent
    legacy: bool = False  # the request has ``functions``, so the reply has ``function_call``
    custom: frozenset[str] = frozenset()  # names of the custom tools


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAsked(Asked[Request]):
    """Requests of a chat completion, and the form in which it reads calls."""

    form: CallForm = field(default_factory=CallForm)
    include_usage: bool = False


def read_chat(body: bytes, pool: Pool) -> ChatAsked:
    """Requests of *body*, one a choice; *pool* has the sampling defaults.  Raises RequestError."""
    fields, ignored = CHAT.parse(body)
    callables = callables_of(fields)
    padding = unpadded(fields.stream_options) if fields.stream_options else ()
    request = request_for(fields, callables, pool.sampling(fields.model))
    return ChatAsked(
        requests=choices(request, fields.n or 1),
        stream=request.stream,
        ignored=(*ignored, *unread_arguments(request.messages), *padding),
        form=CallForm(callables.legacy, callables.custom),
        include_usage=request.include_usage,
    )


def to_request(body: ChatBody, defaults: Sampling) -> Request:
    """Translate *body*; sampling fields it leaves out come from *defaults*."""
    return request_for(body, callables_of(body), defaults)


def request_for(body: ChatBody, callables: Callables, defaults: Sampling) -> Request:
    """Translate *body*, whose tools have been read already as *callables*."""
    if body.stream_options is not None:
        refuse_without_stream(body.stream_options, stream=body.stream)
    messages = messages_of(body.messages)
    _refuse_misplaced_ends(body, goes_on=messages[-1].role == "assistant")
    constraint, limit = _constraint(body), _max_tokens(body)
    return Request(
        model=body.model,
        messages=messages,
        tools=callables.tools,
        tool_choice=callables.choice,
        parallel_tool_calls=callables.parallel,
        format=_format(body, constraint),
        grammar=None if constraint is None else constraint.grammar,
        verbosity=body.verbosity,
        max_tokens=limit,
        min_tokens=least_tokens(body, limit),
        sampling=sampling_of(body, defaults),
        thinking=_thinking(body),
        effort=None if (effort := _effort(body)) == "none" else effort,
        thinking_budget=_thinking_budget(body),
        separate_reasoning=body.reasoning_format != "none",
        template_variables=_template_variables(body.chat_template_kwargs or {}),
        stop=stop_strings(body.stop),
        prediction=_prediction(body),
        logprobs=_logprobs(body),
        stream=bool(body.stream),
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )


def callables_of(body: ChatBody) -> Callables:
    """The tools that *body* offers.  Raises InvalidParameter."""
    if body.functions:
        return _legacy(body)
    if body.function_call not in (None, "none", "auto"):
        raise InvalidParameter(
            "'function_call' asks for a call but 'functions' is empty.", param="function_call"
        )
    tools = tools_of(body.tools or [])
    return Callables(
        tools=tools,
        choice=ToolChoice("auto" if tools else "none")
        if body.tool_choice is None
        else tool_choice_of(body.tool_choice, tools),
        parallel=body.parallel_tool_calls,
        custom=frozenset(
            tool.custom.name for tool in body.tools or [] if tool.type == "custom" and tool.custom
        ),
    )


def _legacy(body: ChatBody) -> Callables:
    """A reply in the legacy form has room for one call."""
    for name, given in (("tools", body.tools), ("tool_choice", body.tool_choice)):
        if given:
            raise InvalidParameter(
                f"'functions' and '{name}' cannot be combined; send only 'tools'.",
                param="functions",
            )
    tools = functions_of(body.functions or [])
    choice = function_choice_of(body.function_call, tools)
    return Callables(tools=tools, choice=choice, parallel=False, legacy=True)


def choices(request: Request, count: int) -> tuple[Request, ...]:
    """*request* as *count* choices; a seed of it gives each choice a seed of its own."""
    return tuple(
        dataclasses.replace(request, sampling=seeded(request.sampling, n)) for n in range(count)
    )


def _format(body: ChatBody, constraint: Constrained | None) -> Format:
    if constraint is not None and constraint.schema is not None:
        return Format(type="json_schema", schema=constraint.schema, schema_at=constraint.param)
    return Format() if body.response_format is None else format_of(body.response_format)


def _thinking(body: ChatBody) -> bool | None:
    """Reasoning on or off; the effort ``none`` switches it off, None leaves it to the template."""
    switch = None if body.thinking is None else body.thinking.type
    return agreed(
        {
            "enable_thinking": body.enable_thinking,
            "thinking": {"enabled": True, "disabled": False}.get(switch or ""),
            "reasoning.enabled": None if body.reasoning is None else body.reasoning.enabled,
            "reasoning_effort": False if _effort(body) == "none" else None,
        }
    )


def _effort(body: ChatBody) -> str | None:
    inner = None if body.reasoning is None else body.reasoning.effort
    return agreed({"reasoning_effort": body.reasoning_effort, "reasoning.effort": inner})


def _thinking_budget(body: ChatBody) -> int | None:
    named = {name: getattr(body, name) for name in BUDGETS}
    inner = {
        "thinking.budget_tokens": None if body.thinking is None else body.thinking.budget_tokens,
        "reasoning.max_tokens": None if body.reasoning is None else body.reasoning.max_tokens,
    }
    budget = agreed({**named, **inner})
    return None if budget == -1 else budget


def _prediction(body: ChatBody) -> str | None:
    given = body.prediction
    return None if given is None else text_of(given.content, "prediction.content")


def _logprobs(body: ChatBody) -> int | None:
    if body.logprobs:
        return body.top_logprobs or 0
    if body.top_logprobs:
        raise InvalidParameter(
            "'top_logprobs' is only allowed when 'logprobs' is true.", param="top_logprobs"
        )
    return None


def _template_variables(given: dict[str, Any]) -> dict[str, Any]:
    """*given*, unless it would replace a variable that the server itself sets."""
    for name in given:
        if name in OWN_VARIABLES or not name.isidentifier():
            where = f"chat_template_kwargs.{name}"
            raise InvalidParameter(
                f"'{where}' cannot be set: it is not a variable of the template's own.", param=where
            )
    return given


def _constraint(body: ChatBody) -> Constrained | None:
    """The client's own constraint; a grammar is over the whole reply, so it excludes tools."""
    others = {
        "tools": bool(body.tools),
        "functions": bool(body.functions),
        "response_format": body.response_format is not None and body.response_format.type != "text",
    }
    return constraint_of(body, others)


def _refuse_misplaced_ends(body: ChatBody, *, goes_on: bool) -> None:
    """Raise InvalidParameter where the end of the messages is not what the client says it is.

    An assistant's message at the end is always gone on with; other ends are always replied to.
    """
    wanted = {"add_generation_prompt": not goes_on, "continue_final_message": goes_on}
    for name, only in wanted.items():
        said = getattr(body, name)
        if said is not None and said != only and not (name == "add_generation_prompt" and goes_on):
            raise InvalidParameter(
                f"'{name}' is {str(said).lower()}, but the last of 'messages' is "
                + ("an assistant's, which is gone on with" if goes_on else "no assistant's")
                + "; leave it out, or end 'messages' otherwise.",
                param=name,
            )


def _max_tokens(body: ChatBody) -> int | None:
    limits = {name: getattr(body, name) for name in LIMITS}
    for name, limit in limits.items():
        if limit == 0:
            raise InvalidParameter(f"'{name}' must be at least 1, or -1 for no limit.", param=name)
    limit = agreed(limits)
    return None if limit == -1 else limit
