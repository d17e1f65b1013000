"""Body of a completion to ``TextRequest``s: the rules that types alone cannot express.

Knows which combinations of fields make sense; knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gguf_fc.dialect.openai_json.response_format import format_of
from gguf_fc.errors import InvalidParameter
from gguf_fc.generation.token_prompts import given_prompts
from gguf_fc.job import Sampling
from gguf_fc.models.pool import Pool
from gguf_fc.protocols.completions.schema import TEXT, TextBody
from gguf_fc.protocols.constraints import Constrained, constraint_of
from gguf_fc.protocols.fields import agreed
from gguf_fc.protocols.protocol import Asked
from gguf_fc.protocols.sampling import least_tokens, sampling_of, seeded, stop_strings
from gguf_fc.protocols.stream_options import refuse_without_stream, unpadded
from gguf_fc.request import DEFAULT_MAX_TOKENS, Form, Given, TextRequest

MOST_PROMPTS = 256
MOST_CHOICES = 512  # of all prompts together


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAsked(Asked[TextRequest]):
    """Requests, *best_of* for each prompt, prompt after prompt; the *n* likeliest are returned."""

    n: int
    best_of: int
    include_usage: bool


def read_text(body: bytes, pool: Pool) -> TextAsked:
    """Requests of *body*; *pool* has the sampling defaults.  Raises RequestError."""
    fields, ignored = TEXT.parse(body)
    ignored = (*ignored, *unpadded(fields.stream_options))
    return to_asked(fields, ignored, pool.sampling(fields.model))


def to_asked(body: TextBody, ignored: tuple[str, ...], defaults: Sampling) -> TextAsked:
    """Translate *body*; sampling fields it leaves out come from *defaults*.

    Raises InvalidParameter.
    """
    n, best_of = _counts(body)
    prompts = given_prompts("" if body.prompt is None else body.prompt, "prompt", most=MOST_PROMPTS)
    if len(prompts) * best_of > MOST_CHOICES:
        raise InvalidParameter(
            f"'n' or 'best_of' asks for {len(prompts) * best_of} completions of all prompts; "
            f"ask for at most {MOST_CHOICES} at once.",
            param="n" if body.best_of is None else "best_of",
        )
    _refuse_misplaced(body)
    request = _request(body, defaults, scored=best_of > n)
    return TextAsked(
        requests=tuple(
            replace(request, prompt=prompt, sampling=seeded(request.sampling, candidate))
            for prompt in prompts
            for candidate in range(best_of)
        ),
        stream=bool(body.stream),
        ignored=ignored,
        n=n,
        best_of=best_of,
        include_usage=bool(body.stream_options and body.stream_options.include_usage),
    )


def _request(body: TextBody, defaults: Sampling, *, scored: bool) -> TextRequest:
    """The request without its prompt, common to all."""
    constraint, limit = _constraint(body), _max_tokens(body)
    return TextRequest(
        model=body.model,
        prompt=Given(param="prompt"),
        suffix=body.suffix or None,
        echo=bool(body.echo),
        max_tokens=limit,
        min_tokens=least_tokens(body, limit),
        sampling=sampling_of(body, defaults),
        stop=stop_strings(body.stop),
        grammar=None if constraint is None else constraint.grammar,
        form=_form(body, constraint),
        logprobs=body.logprobs,
        scored=scored,
    )


def _max_tokens(body: TextBody) -> int | None:
    limit = agreed({"max_tokens": body.max_tokens, "n_predict": body.n_predict})
    return {None: DEFAULT_MAX_TOKENS, -1: None}.get(limit, limit)


def _counts(body: TextBody) -> tuple[int, int]:
    n = 1 if body.n is None else body.n
    best_of = n if body.best_of is None else body.best_of
    if best_of < n:
        raise InvalidParameter(
            f"'best_of' is {best_of} but 'n' asks to return {n} of them.", param="best_of"
        )
    if best_of > n and body.stream:
        raise InvalidParameter(
            "'best_of' cannot be streamed: the best is known only at the end.", param="best_of"
        )
    return n, best_of


def _refuse_misplaced(body: TextBody) -> None:
    refuse_without_stream(body.stream_options, stream=body.stream)
    if body.suffix and body.echo and body.logprobs is not None:
        raise InvalidParameter(
            "'logprobs' cannot score an echoed prompt that has a 'suffix'; leave one of 'echo', "
            "'logprobs' and 'suffix' out.",
            param="logprobs",
        )


def _constraint(body: TextBody) -> Constrained | None:
    asked = body.response_format
    return constraint_of(body, {"response_format": asked is not None and asked.type != "text"})


def _form(body: TextBody, constraint: Constrained | None) -> Form | None:
    if constraint is not None and constraint.schema is not None:
        return Form(schema=constraint.schema, param=constraint.param)
    asked = format_of(body.response_format)
    if asked.type == "text":
        return None
    if asked.schema is None:
        return Form(schema={"type": "object"}, param="response_format")
    return Form(schema=asked.schema, param=asked.schema_at, strict=asked.strict)
