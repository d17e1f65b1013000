"""Fields of a reply that several protocols share: scores, checks, timings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gguf_fc import __version__
from gguf_fc.events import Check, Finish
from gguf_fc.protocols.protocol import Envelope, Json
from gguf_fc.scored_tokens import ScoredToken, TokenLogprob

# Of OpenAI's completions; the same seed gives the same reply while it is the same.
FINGERPRINT = f"fp_gguf_fc_{__version__}"
LEAST_LOGPROB = -9999.0  # stands for "never" in OpenAI's API


def loosened(envelope: Envelope) -> Json:
    """Schema keywords that the grammar does not hold, where there are any."""
    return {"loosened": list(envelope.loosened)} if envelope.loosened else {}


def validation(checks: Mapping[int, Sequence[Check]]) -> Json:
    """Results of the checks against the client's schemas, where there was anything to check.

    *checks* are those of each choice; all but the first choice are named in the subject.
    """
    found = [
        {"subject": check.subject if choice == 0 else f"choices[{choice}].{check.subject}"}
        | {"result": check.result}
        | ({} if check.reason is None else {"reason": check.reason})
        for choice, checked in checks.items()
        for check in checked
    ]
    return {"validation": found} if found else {}


def timings(ends: Sequence[Finish]) -> Json:
    """Cost of the reply; not part of the protocol, so clients pass over it."""
    jobs = [end.done for end in ends]
    return {
        "prompt_ms": round(max(done.prompt_ms for done in jobs), 3),
        "completion_ms": round(max(done.completion_ms for done in jobs), 3),
        "decode_steps": sum(done.decode_steps for done in jobs),
        "forced_tokens": sum(done.forced_tokens for done in jobs),
        "drafted_tokens": sum(done.drafted_tokens for done in jobs),
        "accepted_tokens": sum(done.accepted_tokens for done in jobs),
    }


def scored(token: TokenLogprob) -> Json:
    """Logprob of a token, and those of the likeliest in its place, in OpenAI's form."""
    return _score(token) | {"top_logprobs": [_score(other) for other in token.top]}


def _score(token: ScoredToken) -> Json:
    # The protocol knows no infinity; the model's own scores are finite but for a forbidden token.
    known = token.logprob is not None and token.logprob > LEAST_LOGPROB
    logprob = token.logprob if known else LEAST_LOGPROB
    return {"token": token.text, "logprob": logprob, "bytes": list(token.bytes)}
