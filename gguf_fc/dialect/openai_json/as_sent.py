"""Histories as clients really send them, put into the form that the protocol describes.

A client repeats its history in every request, so one odd message would end the conversation for
good.  ``regular_messages`` rewrites decoded JSON before it is read as types:

1. what can only mean one thing is written as the protocol has it: other words for a role, a text
   where parts stand, a call without its wrapping, an id that is a number;
2. a picture or a file becomes a note in its place, and what no model could read is taken out;
   the path of either is reported;
3. the newest message of the user, which the reply is about, keeps what would be lost, so that it
   is refused by name.  Behind a tool's result a user's message belongs to that result: clients
   send pictures of a tool's so.

Nothing of a text is lost.  The order and number of the messages stay, so paths do too.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gguf_fc.dialect.openai_json.part_kinds import as_json, is_part, kind_of, left_out, text_in
from gguf_fc.dialect.openai_json.sent_calls import regular_calls
from gguf_fc.errors import UnsupportedParameter

Json = dict[str, Any]
Aside = list[str]  # paths of what is not read as it was sent

ROLES = {
    **dict.fromkeys(("system", "user", "assistant", "tool", "developer"), ""),
    **dict.fromkeys(("function", "observation"), ""),
    **dict.fromkeys(("ipython", "tool_result", "tool_response", "tool_results"), "tool"),
    **dict.fromkeys(("model", "ai", "bot", "gpt", "chatbot"), "assistant"),
    **dict.fromkeys(("thinking", "reasoning"), "assistant"),
    "human": "user",
}
RESULT_ROLES = frozenset({"tool", "function", "observation"})
_INSTRUCTING = ("system", "developer")
_READ = ("reasoning_content", "reasoning")  # members that the protocol has
_REASONING = (*_READ, "thinking", "reasoning_details")
_TEXTUAL = (str, list, dict)
_JSON = (*_TEXTUAL, int, float, type(None))
_RESULT_OF = ("tool_call_id", "tool_use_id", "call_id", "toolCallId")


@dataclass(slots=True)
class SentParts:
    """One content: its texts as parts, and what else stood among them."""

    where: str
    aside: Aside
    asked: bool = False  # the newest message of the user
    own: bool = False  # the assistant's
    plain: tuple[str, ...] = ("text", "input_text", "output_text", "refusal")  # types of texts
    thoughts: list[str] = field(default_factory=list)
    calls: list[tuple[str, Json]] = field(default_factory=list)  # with their paths
    result_of: object = None

    def read(self, content: Sequence[Any]) -> list[Any]:
        """The parts of *content* that are texts; one that is a text already stays as it is."""
        return [
            found
            for i, part in enumerate(content)
            if (found := self.part(part, f"{self.where}[{i}]")) is not None
        ]

    def part(self, part: Any, at: str) -> Any:
        """One part, whose path is *at*, as a text; None if none stands in its place."""
        if self.asked and not isinstance(part, str | dict):
            return part
        found = kind_of(part)
        match found.kind:
            case "text":
                return part if self._is_plain(part) else self._text(found.text)
            case "result":
                self.result_of = self.result_of or _first(part, _RESULT_OF)
                return self._text(found.text)
            case "reasoning" if self.own:
                self.thoughts.append(found.text)
                return None
            case "call" if self.own:
                self.calls.append((at, part))
                return None
            case "foreign" if found.text:
                self.aside.append(at)
                return self._text(found.text)
        if self.asked:
            return self._refuse(part, found.kind, found.what, at)
        if found.kind != "nothing":
            self.aside.append(at)
        noted = found.kind == "media" or (found.kind == "foreign" and not self.own)
        return self._text(left_out(found.what)) if noted else None

    def _text(self, text: str) -> Json:
        return {"type": self.plain[0], "text": text}

    def _is_plain(self, part: Any) -> bool:
        """True for a text part as the protocol has it."""
        if not isinstance(part, dict) or part.get("type") not in self.plain:
            return False
        texts = [part[name] for name in ("text", "refusal") if part.get(name) is not None]
        lists = [part[name] for name in ("annotations", "logprobs") if part.get(name) is not None]
        said = "refusal" if part["type"] == "refusal" else "text"
        return (
            isinstance(part.get(said), str)
            and all(isinstance(one, str) for one in texts)
            and all(isinstance(one, list) for one in lists)
        )

    def _refuse(self, part: Any, kind: str, what: str, at: str) -> Any:
        """Refuse what the reply is about and no model here reads; what is no part is refused later.

        Raises UnsupportedParameter.
        """
        if kind != "media":
            return part
        named = f"has type '{part['type']}'" if isinstance(part.get("type"), str) else "is no text"
        raise UnsupportedParameter(
            f"'{at}' {named}; this server reads only text. Say in words what the {what} shows, or "
            "leave it out.",
            param=f"{at}.type",
        )


def regular_messages(given: Any) -> tuple[Any, Aside]:
    """*given* as the protocol has it, and the paths of what is not read as it was sent.

    What is no list of messages is returned as it is, to be refused by its type.  Raises
    UnsupportedParameter for what the reply would be about and no model here reads.
    """
    aside: Aside = []
    if not isinstance(given, list):
        return given, aside
    asked = newest_of_user(given)
    found = [
        _regular(message, f"messages[{n}]", aside, asked=n == asked)
        for n, message in enumerate(given)
    ]
    return found, aside


def newest_of_user(messages: Sequence[Any]) -> int | None:
    """Index of the user's message that the reply is about; None if it is about something else."""
    at = len(messages) - 1
    while at > 0 and role_of(messages[at]) in _INSTRUCTING:
        at -= 1
    if at > 0 and role_of(messages[at]) == "assistant" and not _calls(messages[at]):
        at -= 1  # a reply that the client has begun
    if at < 0 or role_of(messages[at]) in ("assistant", *_INSTRUCTING, *RESULT_ROLES):
        return None
    return None if at and role_of(messages[at - 1]) in RESULT_ROLES else at


def role_of(message: Any) -> str | None:
    """Role of *message*, in the protocol's word where there is one; None if it has none."""
    if not isinstance(message, dict):
        return None
    given = message.get("role")
    if isinstance(given, str):
        word = given.strip().lower()
        return ROLES.get(word, given) or word
    if given is not None:
        return None
    kind = message.get("type")
    if isinstance(kind, str) and kind in ROLES:
        return ROLES[kind] or kind
    if _first(message, _RESULT_OF) is not None:
        return "tool"
    return "assistant" if _calls(message) else None


def is_plain(message: Any) -> bool:
    """True for a message of a text and a role as the protocol has it; so are most."""
    return (
        isinstance(message, dict)
        and message.keys() == {"role", "content"}
        and isinstance(message["content"], str)
        and isinstance(message["role"], str)
        and ROLES.get(message["role"]) == ""
    )


def text_id(value: Any) -> str | None:
    """*value* as an id or a name: a number is its digits, another type is none."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def present(fields: Any) -> Json:
    """*fields*, an object, without those that are null."""
    return {name: value for name, value in fields.items() if value is not None}


def with_role(message: Any, where: str, aside: Aside, roles: Container[str]) -> Json:
    """A *message* of a turn that is over with one of *roles*; what has none is the user's.

    What is no message is a text of the user's; null is a system message that says nothing.
    """
    if isinstance(message, dict):
        found = present(message)
        role = role_of(found)
        if role not in roles:
            aside.append(f"{where}.role")
            role = "user"
        if "role" not in found and str(found.get("type")) in ROLES:
            del found["type"]
        return found | {"role": role}
    if not isinstance(message, str):
        aside.append(where)
    if message is None:
        return {"role": "system", "content": ""}
    return {"role": "user", "content": message if isinstance(message, str) else _json(message)}


def _regular(message: Any, where: str, aside: Aside, *, asked: bool) -> Any:
    if is_plain(message):
        return message
    if not isinstance(message, _JSON) or (asked and role_of(message) is None):
        return message  # the library's own, or to be refused by its type
    found: Json = present(message) if asked else with_role(message, where, aside, ROLES)
    role = role_of(found)
    _put(found, "role", role)
    if "content" not in found and isinstance(found.get("parts"), list):
        found["content"] = found.pop("parts")
    if _only_thinks(message):
        found["reasoning_content"] = text_in(found.pop("content", None))
    parts = SentParts(f"{where}.content", aside, asked, own=role == "assistant")
    _put(found, "content", _content(found.get("content"), role, parts))
    _regular_names(found, parts.result_of)
    if role == "assistant":
        _say_thoughts(found, parts.thoughts)
        regular_calls(found, parts.calls, where, aside)
    elif not asked:
        for name in ("tool_calls", "function_call", *_READ):
            if found.pop(name, None):
                aside.append(f"{where}.{name}")
    return found


def _regular_names(found: Json, result_of: object) -> None:
    """Make texts of what a message is known by."""
    for name in ("tool_call_id", "name"):
        if name in found:
            _put(found, name, text_id(found[name]))
    if found.get("role") in RESULT_ROLES and "tool_call_id" not in found:
        _put(found, "tool_call_id", text_id(_first(found, _RESULT_OF) or result_of))
        for name in _RESULT_OF[1:]:
            found.pop(name, None)
    if "refusal" in found:
        found["refusal"] = text_in(found["refusal"])


def _content(content: Any, role: Any, parts: SentParts) -> Any:
    """*content* as a text or as parts that are texts; None if there is nothing."""
    result = role in RESULT_ROLES
    if isinstance(content, dict):
        inner = content.get("parts")
        if isinstance(inner, list) and not result:
            content = inner
        elif is_part(content) or (not result and kind_of(content).kind != "foreign"):
            content = [content]
    match content:
        case None | str():
            return content
        case list() if not result or all(map(is_part, content)):
            return parts.read(content)
        case list():
            return _json(content)
        case _:
            # Another value of a result is its JSON, which the reader of types writes.
            return content if result or parts.asked else _json(content)


def _only_thinks(message: Any) -> bool:
    """True for a message of its own for what an assistant thought."""
    role = message.get("role") if isinstance(message, dict) else None
    return isinstance(role, str) and role.lower() in ("thinking", "reasoning")


def _json(value: Any) -> Any:
    """*value* as JSON text; what is none, only from Python, stays to be refused by its type."""
    try:
        return as_json(value)
    except (TypeError, ValueError):
        return value


def _say_thoughts(found: Json, thoughts: Sequence[str]) -> None:
    """Put the reasoning of a turn where it is read, whichever of its fields has it."""
    given = {name: found[name] for name in _REASONING if isinstance(found.get(name), _TEXTUAL)}
    for name in _REASONING:
        if not isinstance(found.get(name), str) or name not in _READ:
            found.pop(name, None)
    if not any(map(found.get, _READ)):
        said = next(filter(None, map(text_in, given.values())), "") or "\n".join(thoughts)
        _put(found, "reasoning_content", said or None)


def _calls(message: Json) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _put(found: Json, name: str, value: Any) -> None:
    """Set a member; None is none."""
    if value is None:
        found.pop(name, None)
    else:
        found[name] = value
