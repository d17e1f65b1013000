"""LRU cache of compiled grammars: the same tools come with every request of a conversation.

A grammar comes from the model's dialect, or from the request itself.  It is printed once, in the
notation that the model's worker runs.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from gguf_fc.errors import GrammarError, InvalidParameter, SchemaNotEnforceable
from gguf_fc.generation.validation import Validators
from gguf_fc.grammar import (
    Builder,
    Grammar,
    Spacing,
    compile_schema,
    gbnf_to_grammar,
    regex_to_grammar,
    schema_to_grammar,
    texts_to_grammar,
)
from gguf_fc.grammar.schema.well_formed import NULL_IS_ABSENT
from gguf_fc.job import GrammarText
from gguf_fc.models.pool import LoadedModel
from gguf_fc.request import OwnGrammar, Request, Schema


class GrammarCache:
    """The most recently used grammars, by everything they depend on.

    Safe to use from several threads; two threads may compile the same grammar at once.
    *validators* check replies against the same schemas.
    """

    def __init__(self, size: int = 64) -> None:
        self.validators = Validators()
        self._size = size
        self._kept: OrderedDict[bytes, tuple[LoadedModel, Grammar, GrammarText]] = OrderedDict()
        self._lock = threading.Lock()

    def get(
        self, model: LoadedModel, request: Request, prefill: str
    ) -> tuple[Grammar, GrammarText]:
        """The grammar over the whole reply, and its text for the model's worker.

        Raises GrammarError.
        """
        key = _key(model, request, prefill)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found[1], found[2]
        if request.grammar is None:
            grammar, text = _composed(model, request, prefill)
        else:
            grammar, text = client_grammar(request.grammar, model)
        with self._lock:
            # The model is kept with its grammar so that its identity is not given out again.
            self._kept[key] = (model, grammar, text)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return grammar, text


def _composed(model: LoadedModel, request: Request, prefill: str) -> tuple[Grammar, GrammarText]:
    """Grammar of the request's tools, tool choice and format."""
    try:
        grammar = model.dialect.grammar(
            tools=request.tools,
            tool_choice=request.tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
            response_format=request.format,
            prefill=prefill,
            key_order=model.plan.key_order,
        )
        return grammar, _printed(grammar, model)
    except GrammarError as error:
        error.param = error.param or _unmeetable(request)
        raise


def _unmeetable(request: Request) -> str | None:
    """The field whose schema nothing can meet, if it is a schema's fault."""
    forms = {f"tools[{n}]": tool.parameters for n, tool in enumerate(request.tools)}
    for param, schema in {**forms, request.format.asked_at: request.format.schema}.items():
        try:
            schema_to_grammar(True if schema is None else schema).llguidance()
        except GrammarError:
            return param
    return None


def schema_grammar(schema: Schema, param: str, model: LoadedModel) -> tuple[Grammar, GrammarText]:
    """The grammar of the JSON texts valid under *schema*, which was sent as *param*.

    Raises InvalidParameter.
    """
    builder = Builder()
    try:
        any_order = model.plan.key_order == "any"
        root, report = compile_schema(
            schema, builder, spacing=Spacing(), closed=True, any_order=any_order, path=param
        )
        grammar = Grammar(builder.build(root), report)
        return grammar, _printed(grammar, model)
    except GrammarError as error:
        raise InvalidParameter(
            f"'{param}' cannot be used: {error.message}.", param=param
        ) from error


def client_grammar(own: OwnGrammar, model: LoadedModel) -> tuple[Grammar, GrammarText]:
    """Grammar sent by the client, who is told the line and column of what is wrong with it.

    Raises GrammarError.
    """
    try:
        grammar = _own(own)
        _refuse_unknown_tokens(grammar, model)
        return grammar, _printed(grammar, model)
    except GrammarError as error:
        raise GrammarError(
            f"'{own.param}' cannot be used: {error.message}.", param=own.param
        ) from error


def _own(own: OwnGrammar) -> Grammar:
    match own.kind, own.source:
        case "gbnf", str(gbnf):
            return gbnf_to_grammar(gbnf)
        case "regex", str(pattern):
            return regex_to_grammar(pattern)
        case _, texts:
            return texts_to_grammar(texts)


def loosened_keywords(grammar: Grammar | None) -> tuple[str, ...]:
    """``path:keyword`` for each schema keyword that *grammar* does not hold."""
    report = () if grammar is None else grammar.report
    return tuple(f"{item.path}:{item.keyword}" for item in report)


def refuse_loosened(grammar: Grammar, strict: Iterable[str]) -> None:
    """Raise SchemaNotEnforceable if a keyword below one of the paths *strict* is not held.

    A keyword that is null demands nothing, so nothing of it is lost.
    """
    places = tuple(strict)
    for item in grammar.report:
        if item.reason == NULL_IS_ABSENT:
            continue
        if any(f"{item.path}.".startswith(f"{place}.") for place in places):
            raise SchemaNotEnforceable(
                f"'{item.path}': the keyword '{item.keyword}' cannot be enforced "
                f"({item.reason}); remove it or leave out 'strict'.",
                param=item.path,
            )


def _refuse_unknown_tokens(grammar: Grammar, model: LoadedModel) -> None:
    highest = max(grammar.tokens(model.header.control_tokens), default=0)
    if highest >= len(model.header.tokens):
        raise GrammarError(f"this model's vocabulary has no token {highest}")


def _printed(grammar: Grammar, model: LoadedModel) -> GrammarText:
    special = model.header.control_tokens
    if model.plan.load.constraint == "llama.cpp":
        grammar.refuse_crowded()
        return GrammarText(gbnf=grammar.gbnf, tokens=tuple(sorted(grammar.tokens(special))))
    return GrammarText(llguidance=grammar.llguidance(special))


def _key(model: LoadedModel, request: Request, prefill: str) -> bytes:
    return msgspec.json.encode(
        (
            id(model),
            request.grammar,
            request.tools,
            request.tool_choice,
            request.parallel_tool_calls,
            request.format,
            prefill,
        )
    )
