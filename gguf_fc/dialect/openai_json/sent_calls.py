"""Past calls as clients really write them, put into the form that the protocol describes.

A call may stand flat, under other names, as text, alone where a list belongs, or among the parts of
the content.  Their arguments are left as they are: ``repair`` reads those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

_IDS = ("id", "call_id", "tool_call_id", "toolCallId", "tool_use_id")
_NAMES = ("name", "tool_name", "toolName", "function_name")
_ARGUMENTS = ("arguments", "args", "input", "parameters", "params", "kwargs")


def regular_calls(
    message: Json, parts: Sequence[tuple[str, Json]], where: str, aside: list[str]
) -> None:
    """Rewrite the calls of *message*, an assistant's; *parts* stood among its content.

    A part repeats a call that is there already where their ids are the same.
    """
    given = message.pop("tool_calls", None) or message.pop("toolCalls", None)
    calls = []
    for place, call in _entries(given, f"{where}.tool_calls"):
        found = regular_call(call)
        if found is None:
            aside.append(place)
        else:
            calls.append(found)
    known = {call.get("id") for call in calls if call.get("id")}
    for place, part in parts:
        found = regular_call(part)
        if found is None:
            aside.append(place)
        elif found.get("id") not in known:
            calls.append(found)
    if calls:
        message["tool_calls"] = calls
    if "function_call" in message:
        legacy = regular_function(message.pop("function_call"))
        if legacy:
            message["function_call"] = legacy


def regular_call(call: Any) -> Json | None:
    """*call* as the protocol has it; None for what is none."""
    call = _object(call)
    if call is None:
        return None
    found = {name: value for name, value in call.items() if value is not None}
    for name in ("functionCall", "tool_call"):
        if isinstance(inner := found.get(name), dict):
            found = {**inner, "type": "function"}
    kind = found.get("type")
    if kind == "custom" and (custom := _custom(found)) is not None:
        return _with_id({**found, "custom": custom})
    if isinstance(found.get("function"), str) and _first(found, _ARGUMENTS) is not None:
        found["name"] = found.pop("function")
    function = regular_function(found.get("function"))
    if function is None:
        flat = {name: found.pop(name) for name in (*_NAMES, *_ARGUMENTS) if name in found}
        function = regular_function(flat)
    if function is None:
        return None
    return _with_id({**found, "type": "function", "function": function})


def regular_function(given: Any) -> Json | None:
    """The function part of a call; None if it names nothing."""
    function = {"name": given} if isinstance(given, str) and "{" not in given else _object(given)
    if not function:
        return None
    found = {name: value for name, value in function.items() if value is not None}
    called = next((name for name in _NAMES if name in found), None)
    with_what = next((name for name in _ARGUMENTS if name in found), None)
    if called is None and with_what is None:
        return None
    name = "" if called is None else found.pop(called)
    arguments = None if with_what is None else found.pop(with_what)
    name = name if isinstance(name, str) else str(name)
    return {**found, "name": name, "arguments": arguments}


def _entries(given: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Each of the calls *given* with its path: a list, its text, or one call alone."""
    if isinstance(given, str):
        given = _decoded(given)
    if isinstance(given, dict):
        alone = given.keys() & {"function", "custom", *_NAMES} or not given
        given = [given] * bool(given) if alone else list(given.values())
    if isinstance(given, list):
        yield from ((f"{where}[{i}]", call) for i, call in enumerate(given) if call is not None)
    elif given is not None:
        yield where, None


def _custom(call: Json) -> Json | None:
    """The custom part of a call, which takes a text."""
    given = call.get("custom")
    found = given if isinstance(given, dict) else call
    name = _first(found, _NAMES)
    if name is None:
        return None
    text = found.get("input")
    if text is not None and not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False)
    return {"name": str(name), "input": text}


def _with_id(call: Json) -> Json:
    """*call* with its id as a text, if it has one."""
    given = _first(call, _IDS)
    rest = {name: value for name, value in call.items() if name not in _IDS}
    if isinstance(given, str | int | float):
        rest["id"] = str(given)
    return rest


def _object(given: Any) -> Json | None:
    found = _decoded(given) if isinstance(given, str) else given
    return found if isinstance(found, dict) else None


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _first(fields: Json, names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)
