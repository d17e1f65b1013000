"""Arguments of the library's functions: OpenAI's JSON as Python objects, or the package's types.

JSON is converted by the same types and read by the same functions as the body of a request, so it
is accepted and refused alike, with the same words and paths.  Types of ``request`` are taken as
they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from gguf_fc.dialect.openai_json.as_sent import regular_messages
from gguf_fc.dialect.openai_json.messages import call_of, messages_of, past_call
from gguf_fc.dialect.openai_json.response_format import format_of
from gguf_fc.dialect.openai_json.tool_choice import tool_choice_of
from gguf_fc.dialect.openai_json.tools import tools_of
from gguf_fc.dialect.openai_json.types import (
    Arguments,
    ChatMessage,
    ChatTool,
    Choice,
    Messages,
    PastCall,
    ResponseFormat,
    Tools,
)
from gguf_fc.errors import InvalidParameter
from gguf_fc.request import Format, Message, Tool, ToolCall, ToolChoice
from gguf_fc.typed_json import convert, refuse_deep

Json = Mapping[str, Any]
GivenMessages = Iterable[Message | Json]
GivenTools = Iterable[Tool | Json] | None
GivenChoice = ToolChoice | Json | str | None
GivenFormat = Format | Json | None
GivenCalls = Iterable[ToolCall | Json] | None

T = TypeVar("T")


class NamedCall(Struct):
    """A call without the wrapping that messages have around it."""

    name: str
    arguments: Arguments = None
    id: str | None = None


def read_messages(given: GivenMessages) -> tuple[Message, ...]:
    """A conversation.  Raises InvalidParameter."""
    if given is None:
        raise InvalidParameter("'messages' is required.", param="messages")
    entries, _ = regular_messages(_listed(given, "messages"))
    return messages_of(_entries(entries, Message, ChatMessage, Messages, "messages"))


def read_tools(given: GivenTools) -> tuple[Tool, ...]:
    """Tools that may be called.  Raises InvalidParameter."""
    found = _entries(() if given is None else given, Tool, ChatTool, Tools, "tools")
    ours = tuple(tool for tool in found if isinstance(tool, Tool))
    return ours if len(ours) == len(found) else tools_of(found)


def read_choice(given: GivenChoice, tools: tuple[Tool, ...]) -> ToolChoice:
    """A choice among *tools*.  Raises InvalidParameter."""
    if isinstance(given, ToolChoice):
        return given
    refuse_deep(given, "tool_choice")
    return tool_choice_of(convert(given, Choice, "tool_choice"), tools)


def read_format(given: GivenFormat) -> Format:
    """The form of an answer.  Raises InvalidParameter."""
    if isinstance(given, Format):
        return given
    refuse_deep(given, "response_format")
    return format_of(convert(given, ResponseFormat | None, "response_format"))


def read_calls(given: GivenCalls) -> tuple[ToolCall, ...]:
    """Calls as an assistant's message has them, or each as only ``name`` and ``arguments``.

    Raises InvalidParameter, also for arguments that cannot be read: these calls are to be written,
    and in no history yet.
    """
    calls = tuple(_call(call, f"tool_calls[{n}]") for n, call in enumerate(given or ()))
    for call in calls:
        if call.unread_at is not None:
            raise InvalidParameter(
                f"'{call.unread_at}' is not the text of a JSON object.", param=call.unread_at
            )
    return calls


def _call(given: object, where: str) -> ToolCall:
    if isinstance(given, ToolCall):
        return given
    refuse_deep(given, where)
    if isinstance(given, Mapping) and not given.keys() & {"function", "custom", "type"}:
        call: NamedCall = convert(given, NamedCall, where)
        return past_call(call.id, call.name, call.arguments, f"{where}.arguments")
    return call_of(convert(given, PastCall, where), where)


def _entries(given: object, ours: type[T], each: Any, whole: Any, name: str) -> list[Any]:
    """The entries of *given*, the field *name*: *ours* as they are, JSON converted to *each*.

    Where all of it is JSON it is converted at once to *whole*, as in a request.
    """
    entries = _listed(given, name)
    if isinstance(entries, list) and any(isinstance(entry, ours) for entry in entries):
        return [
            entry if isinstance(entry, ours) else convert(entry, each, f"{name}[{n}]")
            for n, entry in enumerate(entries)
        ]
    found: list[Any] = convert(entries, whole, name)
    return found


def _listed(given: object, name: str) -> Any:
    """*given*, the field *name*, as a list if it is iterable.  Raises InvalidParameter if deep."""
    entries: Any = given
    if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping):
        entries = [*given]
    refuse_deep(entries, name)
    return entries
