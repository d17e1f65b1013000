"""Histories as Ollama's clients really send them, in the form of that protocol.

Most is read as in OpenAI's protocol; what differs are names, that a content is one text, and that
pictures stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gguf_fc.dialect.openai_json.as_sent import Aside, newest_of_user, regular_messages
from gguf_fc.dialect.openai_json.part_kinds import as_json, left_out, text_in
from gguf_fc.protocols.protocol import Json

_ROLES = {"developer": "system", "function": "tool", "observation": "tool"}


def regular_chat(given: Any) -> tuple[Any, Aside]:
    """*given* as the protocol has it, and the paths of what is not read as it was sent.

    Raises UnsupportedParameter for what the reply would be about and no model here reads.
    """
    messages, aside = regular_messages(given)
    if not isinstance(messages, list):
        return given, aside
    asked = newest_of_user(messages)
    found = [
        _regular(message, f"messages[{n}]", aside, asked=n == asked)
        for n, message in enumerate(messages)
    ]
    return found, aside


def _regular(message: Any, where: str, aside: Aside, *, asked: bool) -> Any:
    if not isinstance(message, dict):
        return message
    found = dict(message)
    if isinstance(role := found.get("role"), str):
        found["role"] = _ROLES.get(role, role)
    content = found.get("content")
    if not asked and (images := found.pop("images", None)):
        aside.append(f"{where}.images")
        notes = [left_out("image")] * (len(images) if isinstance(images, list) else 1)
        found["content"] = "\n".join(filter(None, (_text(content), *notes)))
    elif not asked or isinstance(content, list):
        found["content"] = _text(content)
    _rename(found)
    return found


def _text(content: Any) -> str | None:
    """*content* as one text: parts are its lines, another value of a result is its JSON."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "\n".join(map(text_in, content))
    return as_json(content)


def _rename(found: Json) -> None:
    """Give members that OpenAI's protocol names the names of this one."""
    thought = found.pop("reasoning_content", None) or found.pop("reasoning", None)
    if thought:
        found["thinking"] = thought
    for name in ("thinking", "tool_name"):
        if not isinstance(found.get(name, ""), str):
            found[name] = text_in(found[name])
    if (legacy := found.pop("function_call", None)) is not None:
        found["tool_calls"] = [*found.get("tool_calls", ()), {"function": legacy}]
    if found.get("role") == "tool" and "tool_name" not in found and "name" in found:
        found["tool_name"] = found.pop("name")
    if isinstance(calls := found.get("tool_calls"), list):
        found["tool_calls"] = [_call(call) for call in calls]


def _call(call: Any) -> Any:
    """A call of a function; one of a custom tool has its text as the argument."""
    if not isinstance(call, Mapping):
        return call
    function = call.get("function")
    if isinstance(custom := call.get("custom"), Mapping):
        function = {"name": custom.get("name"), "arguments": {"input": custom.get("input")}}
    if isinstance(function, Mapping) and not isinstance(function.get("index"), int | float):
        function = {name: value for name, value in function.items() if name != "index"}
    return {name: value for name, value in call.items() if name != "type"} | {"function": function}
