"""Histories as clients of the Messages protocol really send them, in the form it describes.

1. A picture or a file becomes a note in its place, and is named; only in the user's newest turn it
   is refused.  A turn with results is the tools', so what stands beside them is noted as well.
2. Blocks whose meaning is plain are written as the protocol has them: texts without a block, ids
   that are numbers, results that are another JSON value.
3. Blocks on a turn where they make no sense, and those of a type that nobody here knows, are taken
   out and named.  Types that are known to be another server's are left to ``blocks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gguf_fc.dialect.openai_json.as_sent import (
    RESULT_ROLES,
    Aside,
    SentParts,
    newest_of_user,
    present,
    role_of,
    text_id,
    with_role,
)
from gguf_fc.dialect.openai_json.part_kinds import as_json, kind_of
from gguf_fc.dialect.openai_json.sent_calls import regular_call
from gguf_fc.protocols.messages.blocks import AnyBlock, Readable
from gguf_fc.protocols.protocol import Json

_ROLES = ("user", "assistant", "system")
_OWN = frozenset({"tool_use", "thinking"})  # blocks of the assistant's
_RESULT_IDS = ("tool_use_id", "tool_call_id", "toolCallId", "call_id")
_RESULT_TEXTS = ("content", "output", "result", "response")


def regular_turns(given: Any) -> tuple[Any, Aside]:
    """*given* as the protocol has it, and the paths of what is not read as it was sent.

    Raises UnsupportedParameter for what the reply would be about and no model here reads.
    """
    aside: Aside = []
    if not isinstance(given, list):
        return given, aside
    turns = [_with_role(turn) for turn in given]
    asked = newest_of_user(turns)
    if asked is not None and _has_result(turns[asked]):
        asked = None
    found = []
    for n, turn in enumerate(turns):
        where = f"messages[{n}]"
        named = turn if n == asked else with_role(turn, where, aside, _ROLES)
        found.append(_Turn(where, aside, asked=n == asked).read(named))
    return found, aside


def regular_system(given: Any) -> tuple[Any, Aside]:
    """Instructions as the protocol has them: a text, or blocks of text."""
    aside: Aside = []
    if isinstance(given, dict):
        given = [given]
    if isinstance(given, list):
        given = _parts("system", aside).read(given)
    return given, aside


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn: *asked*, if it is the user's newest, which the reply is about."""

    where: str
    aside: Aside
    asked: bool

    def read(self, turn: Any) -> Any:
        """*turn* as the protocol has it."""
        if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
            return turn
        found = present(turn)
        content = found.get("content")
        if isinstance(content, dict):
            content = [content]
        if isinstance(content, list):
            parts = _parts(f"{self.where}.content", self.aside, asked=self.asked)
            parts.own = found["role"] == "assistant"
            said = found["role"] != "system"
            read = (self._block(block, parts, i, said=said) for i, block in enumerate(content))
            found["content"] = [block for block in read if block is not None]
        elif not isinstance(content, str) and not self.asked:
            found["content"] = "" if content is None else as_json(content)
        return found

    def _block(self, block: Any, parts: SentParts, i: int, *, said: bool) -> Any:
        """One block of the turn; None if it is taken out."""
        kind = block["type"] if _has_type(block) else None
        if kind == "text" and isinstance(block.get("text"), str):
            return block
        at = f"{parts.where}[{i}]"
        if kind in _OWN and not parts.own:
            if not self.asked:
                self.aside.append(at)
            return block if self.asked else None
        match kind_of(block).kind:
            case "result" if said:
                return _result(present(block), at, self.aside)
            case "call" if parts.own and (call := regular_call(block)) is not None:
                return _call(call)
            case "reasoning" if parts.own:
                return _thinking(block)
        block = _without_media(block, at, parts)
        fits = kind not in ("image", "tool_result") and _fits(block, AnyBlock)
        return block if fits else parts.part(block, at)


def _parts(where: str, aside: Aside, *, asked: bool = False) -> SentParts:
    return SentParts(where, aside, asked, plain=("text",))


def _call(call: Json) -> Json:
    """A call with an id and a name."""
    function = call.get("function") or call["custom"]
    used = {"id": call.get("id", ""), "name": function["name"]}
    given = function.get("arguments", function.get("input"))
    kept = {name: value for name, value in call.items() if name not in ("function", "custom")}
    return kept | {"type": "tool_use", **used, "input": given}


def _thinking(block: Json) -> Json:
    """Reasoning with a signature, if it is a text."""
    sign = block.get("signature")
    found = {"type": "thinking", "thinking": kind_of(block).text}
    return found | ({"signature": sign} if isinstance(sign, str) else {})


def _result(block: Json, at: str, aside: Aside) -> Json:
    """A result: its id as a text, and its content as a text or as blocks that are texts."""
    id_ = next(filter(None, (text_id(block.get(name)) for name in _RESULT_IDS)), "")
    content = next((block[name] for name in _RESULT_TEXTS if name in block), None)
    if isinstance(content, dict) and isinstance(content.get("type"), str):
        content = [content]
    if isinstance(content, list):
        content = _inside(content, _parts(f"{at}.content", aside))
    elif content is not None and not isinstance(content, str):
        content = as_json(content)
    odd = {*_RESULT_IDS, *_RESULT_TEXTS, "is_error"}
    kept = {name: value for name, value in block.items() if name not in odd}
    failed = block.get("is_error") not in (None, False, 0, "", "0", "false", "False")
    kept |= {"is_error": True} if failed else {}
    return kept | {"type": "tool_result", "tool_use_id": id_, "content": content}


def _inside(content: list[Any], parts: SentParts) -> Any:
    """Blocks of a result; a list of other values is JSON."""
    if not all(one is None or isinstance(one, str) or _has_type(one) for one in content):
        return as_json(content)
    found = []
    for i, block in enumerate(content):
        at = f"{parts.where}[{i}]"
        block = _without_media(block, at, parts)  # noqa: PLW2901
        fits = _has_type(block) and block["type"] != "image" and _fits(block, Readable)
        found.append(block if fits else parts.part(block, at))
    return [block for block in found if block is not None]


def _without_media(block: Any, at: str, parts: SentParts) -> Any:
    """*block* with notes in the place of pictures inside of it."""
    source = block.get("source") if isinstance(block, dict) else None
    inner = source.get("content") if isinstance(source, dict) else None
    if not isinstance(source, dict) or not isinstance(inner, list):
        return block
    read = _parts(f"{at}.source.content", parts.aside, asked=parts.asked).read(inner)
    return block | {"source": source | {"content": read}}


def _with_role(turn: Any) -> Any:
    """*turn* with a role of the protocol; a result by itself is a turn of the user."""
    if not isinstance(turn, dict):
        return turn
    role = role_of(turn)
    if isinstance(role, str) and role in RESULT_ROLES:
        rest = {name: value for name, value in turn.items() if name not in ("role", "type")}
        return {"role": "user", "content": [{"type": "tool_result", **rest}]}
    return turn if role is None else turn | {"role": "system" if role == "developer" else role}


def _has_result(turn: Any) -> bool:
    content = turn.get("content") if isinstance(turn, dict) else None
    blocks = content if isinstance(content, list) else []
    return any(kind_of(block).kind == "result" for block in blocks)


def _has_type(block: Any) -> bool:
    return isinstance(block, dict) and isinstance(block.get("type"), str)


def _fits(block: Any, kind: Any) -> bool:
    try:
        msgspec.convert(block, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return False
    return True
