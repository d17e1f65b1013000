"""How a generation ends, for tests of what is made of it."""

from __future__ import annotations

from gguf_fc.job import Done, FinishReason


def done(
    reason: FinishReason = "stop", *, completion_tokens: int = 5, stop_string: str | None = None
) -> Done:
    """An end with counts that can be told apart."""
    return Done(
        id="job",
        finish_reason=reason,
        prompt_tokens=7,
        cached_tokens=3,
        completion_tokens=completion_tokens,
        forced_tokens=2,
        decode_steps=3,
        prompt_ms=1.5,
        completion_ms=2.5,
        stop_string=stop_string,
    )
