"""Everything about a reply that is decided before its first token: prompt, grammar, job, reader.

Requests the model cannot meet are refused here, before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gguf_fc.dialect import Dialect, Prompt, SkipPrefill
from gguf_fc.errors import GrammarError, InvalidParameter, UnsupportedParameter
from gguf_fc.generation.grammar_cache import GrammarCache, loosened_keywords, refuse_loosened
from gguf_fc.generation.prompt import prompt_of, shared_prefix
from gguf_fc.generation.reply_reader import ReplyReader
from gguf_fc.grammar import Grammar
from gguf_fc.job import GrammarText, Job, ReasoningLimit
from gguf_fc.models.pool import LoadedModel
from gguf_fc.request import Request


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """Decisions about one reply, all made before its first token."""

    request: Request
    prompt: Prompt
    grammar: Grammar
    job: Job
    reader: ReplyReader
    loosened: tuple[str, ...]  # "path:keyword" for each schema keyword the grammar does not hold


def plan_reply(
    request: Request,
    model: LoadedModel,
    grammars: GrammarCache,
    reply_id: str,
    new_call_id: Callable[[], str],
) -> ReplyPlan:
    """Plan the reply to *request*; takes long enough to run off the event loop.

    Raises GgufFcError.
    """
    refuse_embedding_model(model)
    dialect = model.dialect
    prompt = prompt_of(request, dialect, request.shown_tools)
    grammar, text = _grammar(request, model, grammars, prompt)
    _refuse_loosened_strict(grammar, request)
    job = Job(
        id=reply_id,
        prompt=prompt.segments,
        prefix=shared_prefix(prompt.text, request.messages),
        max_tokens=request.max_tokens,
        min_tokens=request.min_tokens,
        sampling=request.sampling,
        grammar=text,
        reasoning=_reasoning(request, dialect, prompt),
        stop=request.stop,
        turn_marks=dialect.turn_marks if request.grammar is None else (),
        prediction=request.prediction,
        logprobs=request.logprobs,
    )
    reader = _reader(request, dialect, prompt, grammars, new_call_id)
    return ReplyPlan(request, prompt, grammar, job, reader, loosened_keywords(grammar))


def _reader(
    request: Request,
    dialect: Dialect,
    prompt: Prompt,
    grammars: GrammarCache,
    new_call_id: Callable[[], str],
) -> ReplyReader:
    callable_tools = [tool for tool in request.tools if request.tool_choice.permits(tool.name)]
    # A client's own grammar is over the whole reply, so nothing of it was begun by the prompt.
    prefill = prompt.prefill if request.grammar is None else ""
    inline = not request.separate_reasoning
    parser = dialect.parser(callable_tools, prefill, new_call_id, inline=inline)
    return ReplyReader(
        SkipPrefill(parser, prompt) if prompt.said or prompt.thought else parser,
        request,
        grammars.validators,
        begun=prompt.said,
    )


def _reasoning(request: Request, dialect: Dialect, prompt: Prompt) -> ReasoningLimit | None:
    """The limit of the reply's reasoning: at once where it is switched off."""
    if request.grammar is not None:
        if request.thinking_budget is not None:
            param = request.grammar.param
            raise InvalidParameter(
                f"'{param}' is over the whole reply, so its reasoning cannot be limited as well; "
                "leave out the budget, or hold the reasoning in the grammar.",
                param=param,
            )
        return None
    budget = 0 if request.thinking is False else request.thinking_budget
    return dialect.reasoning_limit(prompt.prefill, budget)


def _grammar(
    request: Request, model: LoadedModel, grammars: GrammarCache, prompt: Prompt
) -> tuple[Grammar, GrammarText]:
    """The grammar of what follows the prompt, or of that and the client's prefill before it."""
    try:
        return grammars.get(model, request, prompt.prefill)
    except GrammarError as error:
        if not prompt.said:
            raise
        if prompt.unsaid is None or request.tool_choice.mode in ("required", "named"):
            raise unlike_begun(error, request) from error
        grammar, text = grammars.get(model, request, prompt.unsaid)
        begun = prompt.said.lstrip()
        if not grammar.begins(begun):
            raise unlike_begun(error, request) from error
        return grammar, replace(text, begun=begun)


def unlike_begun(error: GrammarError, request: Request) -> InvalidParameter:
    """Error for a prefill that the form asked of the reply cannot begin with."""
    return InvalidParameter(
        "The reply cannot go on from the assistant's message at the end of "
        f"'{request.messages_at}' and have the form that 'tool_choice' or "
        f"'{request.format.schema_at}' asks for; leave one of them out. ({error.message})",
        param=request.messages_at,
    )


def refuse_embedding_model(model: LoadedModel) -> None:
    """Raise UnsupportedParameter where *model* cannot write."""
    if not model.ready.generates:
        raise UnsupportedParameter(
            f"The model '{model.name}' writes no text, it makes embeddings: name another, or send "
            "the text to /v1/embeddings.",
            param="model",
        )


def _refuse_loosened_strict(grammar: Grammar, request: Request) -> None:
    """Raise SchemaNotEnforceable where ``strict`` asks for a keyword the grammar cannot hold."""
    strict = [tool.parameters_at(n) for n, tool in enumerate(request.tools) if tool.strict]
    if request.format.strict:
        strict.append(request.format.schema_at)
    refuse_loosened(grammar, strict)
