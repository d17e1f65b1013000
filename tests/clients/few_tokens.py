"""Hooks for Schemathesis: replies of a few tokens, for the replies themselves are not looked at."""

from __future__ import annotations

from typing import Any

import schemathesis

FEW = 8
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "num_predict")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001 - their signature
    """Lower the limits of *case*, where they are numbers above it, so that oddities stay odd."""
    body = case.body
    for holder in (body, body.get("options") if isinstance(body, dict) else None):
        if isinstance(holder, dict):
            for name in LIMITS:
                given = holder.get(name)
                if isinstance(given, int) and not isinstance(given, bool) and given > FEW:
                    holder[name] = FEW
