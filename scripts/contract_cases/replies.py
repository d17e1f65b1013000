"""Cases of what a model writes: the text is read as it ought to be, and held by the grammar.

With a ``tool_choice`` other than ``auto`` the text need not be in the grammar; if it is, it is read
as calls and nothing else.  Without one the text is in the grammar and, unless the case names
``calls``, all of it is content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract_cases.cases import Case
from dialect_scores.figure import differs
from dialect_scores.hearing import Heard, hear
from gguf_fc import Dialect

_CHOSEN = ("required", "named")


def faults(dialect: Dialect, case: Case, _template: str) -> Iterator[str]:
    """Faults of reading or holding ``model_output``."""
    text, tools = case["model_output"], case.get("tools") or []
    choice = case.get("tool_choice") or "auto"
    prefill = case.get("prefill", "")
    grammar = dialect.grammar(tools, choice, parallel_tool_calls=True, prefill=prefill)
    held = grammar.matches(text)
    must_call = choice in _CHOSEN or isinstance(choice, dict)
    if must_call and not held:
        return
    if not held:
        yield f"not in the grammar of {choice}: {text!r}"
    for way, pieces in (("whole", [text]), ("by character", list(text))):
        heard = hear(dialect, pieces, tools, prefill)
        read = _calls_only(heard) if must_call else _as_expected(heard, case)
        yield from (f"{way}: {fault}" for fault in read)


def _calls_only(heard: Heard) -> Iterator[str]:
    if not heard.calls or not all(call.complete for call in heard.calls):
        yield "no whole call is read of what the grammar accepts"
    if heard.content.strip():
        yield f"beside the calls there is content: {heard.content!r}"


def _as_expected(heard: Heard, case: Case) -> Iterator[str]:
    wanted = [(call["name"], _arguments(call)) for call in case.get("calls") or []]
    got = [
        (call.name, json.loads(call.arguments) if call.complete else None) for call in heard.calls
    ]
    content = case.get("content", "" if wanted else case["model_output"])
    found = (
        differs("calls", wanted, got),
        differs("content", content, heard.content),
        differs("reasoning", case.get("reasoning") or "", heard.reasoning),
    )
    yield from filter(None, found)


def _arguments(call: dict[str, Any]) -> Any:
    given = call["arguments"]
    return json.loads(given) if isinstance(given, str) else given
