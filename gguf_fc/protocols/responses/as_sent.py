"""Items as clients of the Responses protocol really send them, in the form it describes.

Clients keep the items of every server they ever spoke to, and send them all.  Items of a type that
is not in ``items`` become ``other`` ones, which are passed over and named.  Within items, as in
every protocol: what can only mean one thing is written as the protocol has it, pictures become
notes, and only the user's newest message keeps what no model here reads, to be refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gguf_fc.dialect.openai_json.as_sent import (
    RESULT_ROLES,
    Aside,
    SentParts,
    newest_of_user,
    present,
    role_of,
    text_id,
)
from gguf_fc.dialect.openai_json.part_kinds import as_json, is_part, kind_of
from gguf_fc.protocols.protocol import Json

_STATUS = ("in_progress", "completed", "incomplete")
_MESSAGE_ROLES = ("user", "assistant", "system", "developer")
_INPUT = ("input_text", "text", "output_text", "refusal", "summary_text", "reasoning_text")
_OUTPUT = ("output_text", "input_text", "text", "refusal", "summary_text", "reasoning_text")


def regular_input(given: Any) -> tuple[Any, Aside]:
    """*given* as the protocol has it, and the paths of what is not read as it was sent.

    Raises UnsupportedParameter for what the reply would be about and no model here reads.
    """
    aside: Aside = []
    if not isinstance(given, list):
        return given, aside
    items = [_with_type(item) for item in given]
    asked = newest_of_user(list(map(_as_turn, items)))
    found = [_regular(item, f"input[{n}]", aside, asked=n == asked) for n, item in enumerate(items)]
    return found, aside


def _with_type(item: Any) -> Any:
    """*item* with the type that may be left out, and a message with its role."""
    if isinstance(item, str):
        return {"type": "message", "role": "user", "content": item}
    if not isinstance(item, dict):
        return {"type": "other"} if item is None else item
    found = present(item)
    kind = found.get("type")
    if not isinstance(kind, str):
        found["type"] = kind = _kind_of(found)
    if kind != "message":
        return found
    role = role_of({"role": found.get("role")})
    if isinstance(role, str) and role in RESULT_ROLES:
        return found | {"type": "function_call_output"}
    return found if role is None else found | {"role": role}


def _kind_of(item: Json) -> str:
    """Type of an item that does not say it."""
    if "role" in item or "content" in item:
        return "message"
    if "output" in item:
        return "function_call_output"
    if "name" in item and item.keys() & {"arguments", "call_id"}:
        return "function_call"
    if "summary" in item:
        return "reasoning"
    return "item_reference" if isinstance(item.get("id"), str) else "other"


def _as_turn(item: Any) -> Json:
    """Role of *item* in the conversation, as a message has it."""
    kind = item.get("type") if isinstance(item, dict) else None
    match kind:
        case "message":
            return {"role": item.get("role")}
        case "function_call_output" | "custom_tool_call_output":
            return {"role": "tool"}
        case "function_call" | "custom_tool_call":
            return {"role": "assistant", "tool_calls": True}
        case _:
            return {"role": "system"}


def _regular(item: Any, where: str, aside: Aside, *, asked: bool) -> Any:
    if not isinstance(item, dict):
        return item if asked else {"type": "other"}
    kind = item.get("type")
    regular = _ITEMS.get(kind) if isinstance(kind, str) else None
    if regular is None:
        return {"type": "other"}
    found = dict(item)
    for name in ("id", "call_id", "name", "namespace"):
        if name in found:
            found[name] = text_id(found[name])
    if found.get("status") not in _STATUS:
        found.pop("status", None)
    return present(regular(found, SentParts(where, aside, asked)))


def _message(item: Json, parts: SentParts) -> Json:
    role = item.get("role")
    if parts.asked and not isinstance(role, str):
        return item
    if role not in _MESSAGE_ROLES and not parts.asked:
        parts.aside.append(f"{parts.where}.role")
        role = item["role"] = "user"
    parts.own = role == "assistant"
    parts.plain = _OUTPUT if parts.own else _INPUT
    content = item.get("content")
    if isinstance(content, dict):
        content = [content]
    if isinstance(content, list):
        parts.where += ".content"
        item["content"] = parts.read(content)
        if parts.thoughts or parts.calls:  # these are items of their own here
            parts.aside.append(parts.where)
    elif not isinstance(content, str) and not parts.asked:
        item["content"] = "" if content is None else as_json(content)
    if not isinstance(item.get("phase", ""), str):
        del item["phase"]
    return item


def _call(item: Json, parts: SentParts) -> Json:  # noqa: ARG001
    item["call_id"] = item.get("call_id") or item.get("id") or ""
    return item | {"name": item.get("name") or "", "arguments": item.get("arguments", "{}")}


def _custom_call(item: Json, parts: SentParts) -> Json:
    found = _call(item, parts)
    del found["arguments"]
    given = found.get("input")
    return found | {"input": given if isinstance(given, str) else _json_or_nothing(given)}


def _output(item: Json, parts: SentParts) -> Json:
    """A result: a text, or parts that are texts; another value is its JSON."""
    item["call_id"] = item.get("call_id") or text_id(item.pop("tool_call_id", None)) or ""
    given = item.get("output", item.pop("content", None))
    if isinstance(given, dict) and is_part(given):
        given = [given]
    if isinstance(given, list) and all(map(is_part, given)):
        parts.where += ".output"
        parts.plain = _INPUT
        item["output"] = parts.read(given)
    else:
        item["output"] = given if isinstance(given, str) else _json_or_nothing(given)
    return item


def _reasoning(item: Json, parts: SentParts) -> Json:  # noqa: ARG001
    for name, kind in (("summary", "summary_text"), ("content", "reasoning_text")):
        given = item.get(name)
        if given is None:
            continue
        texts = given if isinstance(given, list) else [given]
        item[name] = [
            text if _is_text(text) else {"type": kind, "text": kind_of(text).text}
            for text in texts
            if text is not None
        ]
    if not isinstance(item.get("encrypted_content", ""), str):
        del item["encrypted_content"]
    return item


def _as_it_is(item: Json, parts: SentParts) -> Json:  # noqa: ARG001
    return item


def _json_or_nothing(value: Any) -> str:
    return "" if value is None else as_json(value)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and all(
        isinstance(part.get(name), str) for name in ("type", "text")
    )


_ITEMS: dict[str, Callable[[Json, SentParts], Json]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    "item_reference": _as_it_is,
    "additional_tools": _as_it_is,
}
