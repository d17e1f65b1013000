"""The items of a conversation as the messages that a model reads.

Each item becomes a message of its own; the dialect joins what belongs to one turn.  What is no text
is refused, naming the item.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from typing import assert_never

from gguf_fc.dialect.openai_json.custom_tools import custom_arguments
from gguf_fc.dialect.openai_json.messages import past_call
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.protocols.responses.items import (
    AdditionalToolsItem,
    CustomToolCallItem,
    CustomToolCallOutputItem,
    FunctionCallItem,
    FunctionCallOutputItem,
    ItemPart,
    Kept,
    MessageItem,
    ReasoningItem,
)
from gguf_fc.request import Message, ToolCall

_TEXT_PARTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_SEALED = "gguf-fc:"  # what reasoning we wrapped begins with, so that other servers' is told apart


NameOf = Callable[[str | None, str], str]  # a namespace and a name to the name a model knows


def messages_of(placed: Iterable[tuple[str, Kept]], name_of: NameOf) -> Iterator[Message]:
    """A message for each item that holds text or a call; each item comes with its path."""
    for place, item in placed:
        message = _message(item, place, name_of)
        if message is not None:
            yield message


def sealed(reasoning: str) -> str:
    """*reasoning* as an opaque text that a client can send back."""
    return base64.b64encode(f"{_SEALED}{reasoning}".encode()).decode()


def _message(item: Kept, where: str, name_of: NameOf) -> Message | None:
    match item:
        case MessageItem(role=role, content=content):
            return Message(role=role, content=_text(content, f"{where}.content"))
        case FunctionCallItem():
            name = name_of(item.namespace, item.name)
            call = past_call(item.call_id, name, item.arguments, f"{where}.arguments")
            return Message(role="assistant", tool_calls=(call,))
        case CustomToolCallItem():
            name = name_of(item.namespace, item.name)
            call = ToolCall(item.call_id, name, custom_arguments(item.input))
            return Message(role="assistant", tool_calls=(call,))
        case FunctionCallOutputItem() | CustomToolCallOutputItem():
            return Message(
                role="tool",
                content=_text(item.output, f"{where}.output"),
                tool_call_id=item.call_id,
                name=name_of(item.namespace, item.name) if item.name else None,
            )
        case AdditionalToolsItem():
            return None
        case ReasoningItem():
            reasoning = _reasoning(item, where)
            return Message(role="assistant", reasoning_content=reasoning) if reasoning else None
        case _:
            assert_never(item)


def _reasoning(item: ReasoningItem, where: str) -> str:
    """The reasoning, else its summary; what another server sealed is unreadable."""
    return (
        _text(item.content or [], f"{where}.content")
        or _unsealed(item.encrypted_content or "")
        or _text(item.summary, f"{where}.summary")
    )


def _unsealed(text: str) -> str:
    try:
        opened = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return opened.removeprefix(_SEALED) if opened.startswith(_SEALED) else ""


def _text(content: str | list[ItemPart], where: str) -> str:
    """*content* as one string; parts that are not text are refused."""
    if isinstance(content, str):
        return content
    return "\n".join(_part(part, f"{where}[{i}]") for i, part in enumerate(content))


def _part(part: ItemPart, where: str) -> str:
    if part.type == "refusal" and part.refusal is not None:
        return part.refusal
    if part.type not in _TEXT_PARTS:
        raise UnsupportedParameter(
            f"'{where}' has type '{part.type}'; this server reads only text.",
            param=f"{where}.type",
        )
    if part.text is None:
        raise InvalidParameter(f"'{where}.text' is required.", param=f"{where}.text")
    return part.text
