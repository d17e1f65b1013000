"""Kinds of content parts, by whatever name and shape a client has them.

A conversation moves between clients, servers and protocols, so a history holds the parts of all of
them.  What each comes down to is decided here, for every protocol: a text, reasoning, a call, a
result, a picture or a file that no text model reads, or something only its own server can use.

Works on decoded JSON and keeps no state; ``as_sent`` and its like in the protocols say what is done
about each kind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "reasoning", "call", "result", "media", "foreign", "nothing"]

_TEXT = frozenset({"text", "input_text", "output_text", "plain_text", "markdown", "refusal"})
_REASONING = frozenset(
    {
        *("thinking", "reasoning", "reasoning_text", "reasoning_content", "summary_text"),
        *("think", "thought", "thoughts", "reasoning.text", "reasoning.summary"),
    }
)
_SEALED = frozenset({"redacted_thinking", "redacted_reasoning", "reasoning.encrypted"})
_CALLS = frozenset({"tool_use", "tool_call", "function_call"})
_RESULTS = frozenset({"tool_result", "tool_response", "function_response", "function_call_output"})
# Words in the name of a type or of a member, and what they say the part is.
_MEDIA = (
    *(("image", "image"), ("screenshot", "image"), ("audio", "audio"), ("video", "video")),
    *(("inline_data", "file"), ("inlinedata", "file"), ("file", "file"), ("document", "file")),
    *(("pdf", "file"), ("media", "file"), ("blob", "file"), ("attachment", "file")),
)
_PART_MEMBERS = frozenset({"type", "text", "content", "refusal", "annotations", "logprobs"})
_ONLY_IN_PARTS = frozenset(
    {"image_url", "inlineData", "inline_data", "input_audio", "functionResponse"}
)
_READABLE = (
    *("text", "content", "value", "resource", "refusal", "output", "result", "response", "data"),
)
_THOUGHT = ("thinking", "think", "reasoning", "text", "content", "summary", "thought")
MAX_INSIDE = 8  # levels of texts in texts


@dataclass(frozen=True, slots=True)
class Part:
    """One part by its meaning; *what* names a medium, or the type of what is foreign."""

    kind: Kind
    text: str = ""
    what: str = ""


def kind_of(part: Any) -> Part:
    """The kind of *part*, with its text if that is one."""
    if part is None:
        return Part("nothing")
    if not isinstance(part, dict):
        return Part("text", text_in(part))
    given = part.get("type")
    name = given.lower().replace("-", "_") if isinstance(given, str) else ""
    if name:
        return _named(name, part)
    return _unnamed(part)


def left_out(what: str) -> str:
    """The note in the place of a medium."""
    return f"[{what} left out: this model reads only text]"


def text_in(value: Any, depth: int = 0) -> str:
    """All the text of *value*: a text, its like, or a structure that holds one."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list() if depth < MAX_INSIDE:
            return "\n".join(filter(None, (text_in(one, depth + 1) for one in value)))
        case dict() if depth < MAX_INSIDE:
            for name in _READABLE:
                if isinstance(inner := value.get(name), str | dict | list):
                    return text_in(inner, depth + 1)
    return as_json(value)


def as_json(value: Any) -> str:
    """*value* as JSON text.  Raises TypeError or ValueError for what is none, only from Python."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # clients write whole numbers so
    return json.dumps(value, ensure_ascii=False)


def is_part(value: Any) -> bool:
    """True for what is a content part, not another object of a tool's result."""
    if isinstance(value, str) or value is None:
        return True
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("type"), str):
        known = kind_of(value).kind not in ("foreign", "nothing")
        return known or value.keys() <= _PART_MEMBERS
    return bool(_ONLY_IN_PARTS & value.keys())


def _named(name: str, part: dict[str, Any]) -> Part:
    """The kind of a part whose type is *name*."""
    if name in _TEXT:
        text = _first(part, ("refusal", *_READABLE) if name == "refusal" else _READABLE)
        return Part("text", text) if text is not None else Part("nothing")
    if name in _SEALED:
        return Part("foreign", what=name)
    if name in _REASONING:
        return Part("reasoning", _first(part, _THOUGHT) or "")
    if name in _CALLS:
        return Part("call", what=name)
    if name in _RESULTS:
        return Part("result", _first(part, ("content", "output", "result", "response")) or "")
    if (medium := _medium(name)) is not None:
        text = part.get("text")
        return Part("text", text) if isinstance(text, str) else Part("media", what=medium)
    text = _first(part, ("text", "content", "resource"))
    if name == "resource_link":
        text = " ".join(filter(None, (_first(part, ("name",)), _first(part, ("uri",)))))
    return Part("foreign", text or "", what=name)


def _unnamed(part: dict[str, Any]) -> Part:
    """The kind of a part without a type, by its members."""
    present = {name for name, value in part.items() if value is not None and name != "type"}
    if (kind := _kind_by_members(present)) is not None:
        answer = part.get("content", part.get("functionResponse"))
        return Part(kind, text_in(answer), "function_call")
    if isinstance(part.get("text"), str):
        return Part("text", part["text"])
    for name in ("thinking", "reasoning"):
        if name in present:
            return Part("reasoning", text_in(part[name]))
    for name in ("refusal", "content", "value"):
        if isinstance(part.get(name), str | list):
            return Part("text", text_in(part[name]))
    media = filter(None, (_medium(name.lower()) for name in sorted(present)))
    if (medium := next(media, None)) is not None:
        return Part("media", what=medium)
    if "text" in present:
        return Part("text", text_in(part["text"]))
    return Part("foreign" if present else "nothing", what="a part without a type")


def _kind_by_members(present: set[str]) -> Literal["call", "result"] | None:
    if {"functionCall", "function_call"} & present:
        return "call"
    if "functionResponse" in present:
        return "result"
    if present & {"tool_use_id", "tool_call_id", "toolCallId"} and "content" in present:
        return "result"
    return "call" if "name" in present and present & {"input", "arguments", "args"} else None


def _medium(name: str) -> str | None:
    return next((what for word, what in _MEDIA if word in name), None)


def _first(part: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Text of the first member that has one."""
    for name in names:
        if part.get(name) is not None:
            return text_in(part[name])
    return None
