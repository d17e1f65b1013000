"""Judge of answers to odd requests: a reply is right, or an error that says what to change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

NAMED = re.compile(r"'[^']*'|`[^`]*`|^The body |\bmessages\b")
OURS = 500
CLIENTS = 400
NOT_NAMED = {413, 429}  # the whole body, and nothing of it


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response, as far as it can be judged."""

    status: int
    body: bytes


def fault(outcome: Outcome) -> str | None:
    """Fault of *outcome*; None where there is none."""
    if outcome.status >= OURS:
        return f"status {outcome.status}"
    if outcome.status >= CLIENTS and outcome.status not in NOT_NAMED:
        return _unnamed(outcome.body)
    return _failed_stream(outcome.body)


def _unnamed(body: bytes) -> str | None:
    """Fault of an error that does not name the parameter, in its protocol's way."""
    try:
        error: Any = orjson.loads(body)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "an error of no known shape"
    message = error if isinstance(error, str) else error.get("message", "")
    param = None if isinstance(error, str) else error.get("param")
    return None if param is not None or NAMED.search(message) else f"names no parameter: {message}"


def _failed_stream(body: bytes) -> str | None:
    """Fault of a stream that ended with an error of the server's."""
    last = body.rstrip().rsplit(b"\n\n", 1)[-1]
    if b'"server_error"' in last or b'"api_error"' in last:
        return f"a stream failed: {last.decode(errors='replace')}"
    return None
