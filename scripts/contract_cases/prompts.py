"""Cases of what a model is told: everything that was said stands in the prompt, in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from contract_cases.cases import Case
from gguf_fc import Dialect
from gguf_fc.dialect.prompt.repair import read_object
from gguf_fc.dialect.prompt.segments import Prompt

# In a template that has a role of its own for results.
_TOOL_ROLE = re.compile("""["']tool["']""")
_OTHER, _AGAIN = "Something that nobody said.", "And what nobody asked."


def faults(dialect: Dialect, case: Case, template: str) -> Iterator[str]:
    """Faults of the prompt of ``messages`` and ``tools`` that *template* makes."""
    messages, tools = case["messages"], case.get("tools") or []
    prompt = dialect.render(messages, tools)
    if prompt.warning is not None:
        yield f"not in the template's own way: {prompt.warning}"
    for name in _names(tools):
        if name not in prompt.text:
            yield f"the prompt does not name {name}"
    yield from _unsaid(prompt, messages)
    results = [message for message in messages if message["role"] == "tool"]
    if not results:
        return
    places = _places(messages, prompt)
    if any(second < first for first, second in pairwise(places)):
        yield "the results stand in another order than their calls"
    header = _header_of_user(dialect, messages[0]) if _TOOL_ROLE.search(template) else ""
    if header and any(prompt.text[:at].endswith(header) for at in places):
        yield "a result stands in the prompt as the user's words do"


def _names(tools: list[dict[str, Any]]) -> Iterator[str]:
    """The names of *tools* and of their parameters, at every depth."""
    for tool in tools:
        yield tool["function"]["name"]
        yield from _properties(tool["function"].get("parameters"))


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _properties(item)
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
            if keyword == "properties":
                yield from value
            yield from _properties([*value.values()])
        else:
            yield from _properties(value)


def _unsaid(prompt: Prompt, messages: list[dict[str, Any]]) -> Iterator[str]:
    """Texts, calls and results of *messages* that are not in the *prompt*."""
    for message in messages:
        texts = [message.get("content")]
        for call in message.get("tool_calls") or ():
            texts.append(call["function"]["name"])
            arguments = read_object(call["function"]["arguments"])
            texts += list(arguments)
            texts += [value for value in arguments.values() if isinstance(value, str)]
        yield from (
            f"the prompt lacks {text!r} of {message['role']}"
            for text in texts
            if text and text.strip() not in prompt.text
        )


def _places(messages: list[dict[str, Any]], prompt: Prompt) -> list[int]:
    """The places of the results in the *prompt*, in the order of their calls."""
    called = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    results = {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    return [prompt.text.rfind(results[id_]) for id_ in called if id_ in results]


def _header_of_user(dialect: Dialect, first: dict[str, Any]) -> str:
    """The text between an assistant's words and the user's next ones."""
    said = [first, {"role": "assistant", "content": _OTHER}, {"role": "user", "content": _AGAIN}]
    text = dialect.render(said).text
    return text[text.index(_OTHER) + len(_OTHER) : text.index(_AGAIN)]
