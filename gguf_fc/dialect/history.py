"""A conversation as a template wants it.

Clients send what OpenAI's API allows; templates accept less, each in its own way.  What a
template needs is found by rendering (``Needs``); what is done about it is decided here, in
``normalised`` for the usual case and ``plain`` for templates that accept nothing but turns of
text.  Knows neither jinja2 nor the syntax of calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Message, Role, Tool, ToolCall

_ID_LENGTH = 9
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a template requires of a conversation."""

    system: bool = True  # it takes a system message
    text_arguments: bool = False  # arguments as JSON text instead of an object
    short_ids: bool = False  # ids of exactly nine letters and digits
    one_call: bool = False  # at most one call in a turn


def normalised(messages: Sequence[Message], needs: Needs) -> list[dict[str, Any]]:
    """The conversation as template values.

    Raises InvalidParameter, naming the message, if the arguments of a call are not an object.
    """
    turns: list[Message] = list(_with_ids(_with_system(messages, needs)))
    if needs.one_call:
        turns = list(_one_call_each(turns))
    return [_as_value(message, n, needs) for n, message in enumerate(turns)]


def alternating(messages: Sequence[Message], needs: Needs) -> list[Message]:
    """The conversation so that user and assistant take turns, calls and results apart.

    Turns of one role become one; where a turn is missing, an empty one is put in.
    """
    turns: list[Message] = []
    spoke: Role = "assistant"  # who spoke last, calls and results apart
    for message in _with_system(messages, needs):
        last = turns[-1] if turns else None
        if message.role in ("system", "tool") or message.tool_calls:
            if message.tool_calls and spoke == "assistant":
                turns.append(Message(role="user", content=""))
                spoke = "user"
        elif last is not None and last.role == message.role and not last.tool_calls:
            turns[-1] = replace(last, content=_join(last.content, message.content))
            continue
        else:
            if message.role == spoke:
                other: Role = "user" if spoke == "assistant" else "assistant"
                turns.append(Message(role=other, content=""))
            spoke = message.role
        turns.append(message)
    return turns


def plain(messages: Sequence[Message], needs: Needs) -> list[dict[str, Any]]:
    """The conversation as turns of text in which user and assistant alternate."""
    joined: list[Message] = []
    for message in _with_system(messages, needs):
        turn = message
        if message.role == "tool":
            turn = Message(role="user", content=message.content)
        if joined and joined[-1].role == turn.role:
            joined[-1] = replace(joined[-1], content=_join(joined[-1].content, turn.content))
        else:
            joined.append(replace(turn, tool_calls=()))
    if (first := next((m for m in joined if m.role != "system"), None)) and first.role != "user":
        joined.insert(joined.index(first), Message(role="user", content=""))
    return [_as_value(message, n, needs) for n, message in enumerate(joined)]


def tool_values(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The tools as templates expect them: OpenAI's form, with nothing left out."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description or "",
                "parameters": _parameters(tool),
            },
        }
        for tool in tools
    ]


def arguments_of(call: ToolCall, place: str) -> dict[str, Any]:
    """The arguments of a call in a conversation as an object."""
    try:
        found = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise InvalidParameter(f"The arguments are not JSON: {error}.", param=place) from error
    if not isinstance(found, dict):
        raise InvalidParameter("The arguments are not a JSON object.", param=place)
    return found


def refuse_broken_arguments(messages: Sequence[Message]) -> None:
    """Raise InvalidParameter for the first call whose arguments are not a JSON object."""
    for n, message in enumerate(messages):
        for m, call in enumerate(message.tool_calls):
            arguments_of(call, f"messages[{n}].tool_calls[{m}].function.arguments")


def short_id(given: str) -> str:
    """*given* if it has nine letters and digits, else nine that depend on it alone."""
    if len(given) == _ID_LENGTH and given.isascii() and given.isalnum():
        return given
    number = int.from_bytes(hashlib.sha256(given.encode()).digest()[:8], "big")
    return "".join(_BASE36[number // 36**n % 36] for n in range(_ID_LENGTH))


def _parameters(tool: Tool) -> dict[str, Any]:
    given = tool.parameters if isinstance(tool.parameters, dict) else {}
    return {"type": "object", "properties": {}, **given}


def _with_system(messages: Sequence[Message], needs: Needs) -> list[Message]:
    """One system message at the very beginning, or its text in the first user message."""
    system = [m.content for m in messages if m.role in ("system", "developer") and m.content]
    others = [m for m in messages if m.role not in ("system", "developer")]
    if not system:
        return others
    text = "\n\n".join(system)
    if needs.system:
        return [Message(role="system", content=text), *others]
    if others and others[0].role == "user":
        return [replace(others[0], content=_join(text, others[0].content)), *others[1:]]
    return [Message(role="user", content=text), *others]


def _join(first: str | None, second: str | None) -> str:
    return "\n\n".join(filter(None, (first, second)))


def _with_ids(messages: Sequence[Message]) -> Iterator[Message]:
    """Every call has an id and every result knows its call; results without one become text."""
    waiting: list[ToolCall] = []
    count = 0
    for message in messages:
        if message.role == "assistant":
            calls = tuple(
                replace(call, id=call.id or f"call_{count + n}")
                for n, call in enumerate(message.tool_calls)
            )
            count += len(calls)
            waiting = list(calls)
            yield replace(message, tool_calls=calls)
        elif message.role == "tool":
            call = _answered(message, waiting)
            if call is None:
                yield Message(role="user", content=message.content)
            else:
                waiting.remove(call)
                yield replace(message, tool_call_id=call.id, name=message.name or call.name)
        else:
            yield message


def _answered(message: Message, waiting: Sequence[ToolCall]) -> ToolCall | None:
    """The call a result belongs to: by id, else by name, else by order."""
    by_id = (call for call in waiting if call.id == message.tool_call_id)
    by_name = (call for call in waiting if call.name == message.name)
    return next(by_id, None) or next(by_name, None) or next(iter(waiting), None)


def _one_call_each(messages: Sequence[Message]) -> Iterator[Message]:
    """Turns with several calls become several turns, each followed by its result."""
    at = 0
    while at < len(messages):
        message = messages[at]
        at += 1
        if len(message.tool_calls) <= 1:
            yield message
            continue
        results: dict[str | None, Message] = {}
        while at < len(messages) and messages[at].role == "tool":
            results[messages[at].tool_call_id] = messages[at]
            at += 1
        for n, call in enumerate(message.tool_calls):
            first = message if n == 0 else replace(message, content=None, reasoning_content=None)
            yield replace(first, tool_calls=(call,))
            if call.id in results:
                yield results[call.id]


def _as_value(message: Message, n: int, needs: Needs) -> dict[str, Any]:
    role: Role = message.role
    value: dict[str, Any] = {"role": role, "content": message.content or ""}
    if message.reasoning_content:
        value["reasoning_content"] = message.reasoning_content
    if message.name is not None:
        value["name"] = message.name
    if message.role == "tool":
        value["tool_call_id"] = _id(message.tool_call_id, needs)
    if message.tool_calls:
        value["tool_calls"] = [
            _call_value(call, f"messages[{n}].tool_calls[{m}].function.arguments", needs)
            for m, call in enumerate(message.tool_calls)
        ]
    return value


def _call_value(call: ToolCall, place: str, needs: Needs) -> dict[str, Any]:
    arguments = arguments_of(call, place)
    return {
        "id": _id(call.id, needs),
        "type": "function",
        "function": {
            "name": call.name,
            "arguments": json.dumps(arguments, ensure_ascii=False)
            if needs.text_arguments
            else arguments,
        },
    }


def _id(given: str | None, needs: Needs) -> str:
    """An id in the shape the template demands; the same one for call and result."""
    return short_id(given or "") if needs.short_ids else given or ""
