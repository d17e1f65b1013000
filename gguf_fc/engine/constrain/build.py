"""Building a job's constraint: its grammar after the prefill, and its limit of reasoning."""

from __future__ import annotations

from gguf_fc.engine.constrain.constraint import Compile, Constraint
from gguf_fc.engine.constrain.reasoning import LimitedReasoning
from gguf_fc.engine.model import Model
from gguf_fc.errors import EngineError, GrammarError
from gguf_fc.job import Job, ReasoningLimit, Segment

_LEADS = ("a", "\n", ".")  # texts after which another is tokenized as within a reply


def constraint_of(job: Job, compile_grammar: Compile, model: Model) -> Constraint | None:
    """Constraint on the reply to *job*; None if it is free.  Raises GrammarError or EngineError."""
    if job.grammar is None:
        return None
    constraint = compile_grammar(job.grammar)
    if job.grammar.begun:
        _take_prefill(constraint, job.grammar.begun, model)
    if job.reasoning is None:
        return constraint
    return limited(constraint, job.reasoning, model)


def limited(inner: Constraint, limit: ReasoningLimit, model: Model) -> Constraint:
    """Wrap *inner* so that the reasoning is held to *limit*.

    Raises EngineError if there is a number of tokens to hold it to, and the vocabulary cannot
    write the closing mark.
    """
    closing = _tokens_of(Segment(limit.closing), model)
    if closing:
        return LimitedReasoning(inner, limit, closing, model.vocabulary)
    if limit.tokens is None:
        return inner  # which lets no reply end before its reasoning does
    raise EngineError(
        f"The reasoning cannot be limited: this model's vocabulary cannot write {limit.closing!r}."
    )


def _take_prefill(constraint: Constraint, begun: str, model: Model) -> None:
    """Advance *constraint* over *begun*, the prefill.  Raises GrammarError."""
    tokens = _tokens_of(Segment(begun, special=False), model)
    for token in tokens:
        if not constraint.allows(token):
            break
        constraint.take(token)
    else:
        if tokens:
            return
    raise GrammarError("What was begun of the reply does not have the form that was asked for.")


def _tokens_of(segment: Segment, model: Model) -> tuple[int, ...]:
    """Tokens of a text in the middle of others; none if the vocabulary cannot write it."""
    for lead in _LEADS:
        before = model.tokenize((Segment(lead, segment.special),))
        both = model.tokenize((Segment(lead + segment.text, segment.special),))
        tokens = tuple(both[len(before) :])
        written = b"".join(model.vocabulary.pieces[token] for token in tokens)
        if both[: len(before)] == before and written == segment.text.encode():
            return tokens
    return ()
