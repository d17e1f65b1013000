"""Messages of a conversation, in the words of every generation of the protocol.

``function`` and ``observation`` are a tool's result, ``function_call`` is a call without an id, and
the call of a custom tool has a text in the place of arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from gguf_fc.dialect.openai_json.custom_tools import custom_arguments
from gguf_fc.dialect.openai_json.types import ChatMessage, ContentPart, PastCall
from gguf_fc.dialect.prompt.repair import read_arguments
from gguf_fc.errors import InvalidParameter, UnsupportedParameter
from gguf_fc.request import Message, Role, ToolCall

_TEXT_PARTS = ("text", "input_text", "output_text")  # the last two are the Responses protocol's


def messages_of(messages: Sequence[ChatMessage | Message]) -> tuple[Message, ...]:
    """The conversation; messages of our own stay as they are.

    Raises InvalidParameter with the path of what cannot be read.
    """
    return tuple(
        message if isinstance(message, Message) else _message(message, f"messages[{n}]")
        for n, message in enumerate(messages)
    )


def text_of(content: str | list[ContentPart] | None, param: str) -> str | None:
    """*content* as one string, parts as its lines; parts that are not text are refused."""
    if content is None or isinstance(content, str):
        return content
    return "\n".join(_part(part, f"{param}[{i}]") for i, part in enumerate(content))


def call_of(call: PastCall, where: str) -> ToolCall:
    """A past call, whose path is *where*.  Raises InvalidParameter."""
    kind = call.type or "function"
    if kind == "custom" and call.custom is not None:
        return ToolCall(call.id, call.custom.name, custom_arguments(call.custom.input or ""))
    if kind == "function" and (called := call.function) is not None:
        name = called.name or ""
        return past_call(call.id, name, called.arguments, f"{where}.function.arguments")
    raise InvalidParameter(f"'{where}.{kind}' is required.", param=f"{where}.{kind}")


def past_call(id_: str | None, name: str, arguments: object, param: str) -> ToolCall:
    """A past call with *arguments* as they were sent, whose path is *param*.

    What cannot be read is kept as ``read_arguments`` has it: the call is in the history already,
    and a refusal would end the conversation.  Raises InvalidParameter for what is no JSON.
    """
    try:
        found, whole = read_arguments(arguments)
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:  # only from Python
        raise InvalidParameter(f"'{param}' is not JSON: {error}.", param=param) from error
    return ToolCall(id_, name, text, None if whole else param)


def unread_arguments(messages: Iterable[Message]) -> tuple[str, ...]:
    """Paths of the arguments of past calls that could not be read as they were sent."""
    calls = (call for message in messages for call in message.tool_calls)
    return tuple(call.unread_at for call in calls if call.unread_at is not None)


def _message(message: ChatMessage, where: str) -> Message:
    role = _role(message)
    for name in ("tool_calls", "function_call"):
        if getattr(message, name) and role != "assistant":
            raise InvalidParameter(
                f"'{where}.{name}' is only allowed for the role assistant.", param=f"{where}.{name}"
            )
    return Message(
        role=role,
        content=_content(message, f"{where}.content") or message.refusal,
        reasoning_content=message.reasoning_content or message.reasoning,
        tool_calls=tuple(_calls(message, where)),
        tool_call_id=message.tool_call_id,
        name=message.name,
    )


def _content(message: ChatMessage, where: str) -> str | None:
    """Text of the message; a result that is no text, as its JSON."""
    content = message.content
    if content is None or isinstance(content, str | list):
        return text_of(content, where)
    if _role(message) != "tool":
        raise InvalidParameter(f"'{where}' must be a text, or a list of parts.", param=where)
    try:
        return json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError) as error:  # only from Python
        raise InvalidParameter(f"'{where}' is not JSON: {error}.", param=where) from error


def _role(message: ChatMessage) -> Role:
    match message.role:
        case "function" | "observation":
            return "tool"
        case role:
            return role


def _calls(message: ChatMessage, where: str) -> Iterator[ToolCall]:
    for i, call in enumerate(message.tool_calls or []):
        yield call_of(call, f"{where}.tool_calls[{i}]")
    if (legacy := message.function_call) is not None:
        yield past_call(
            None, legacy.name or "", legacy.arguments, f"{where}.function_call.arguments"
        )


def _part(part: ContentPart, where: str) -> str:
    if part.type not in (*_TEXT_PARTS, "refusal"):
        raise UnsupportedParameter(
            f"'{where}' has type '{part.type}'; this server reads only text.",
            param=f"{where}.type",
        )
    name = "text" if part.type in _TEXT_PARTS else "refusal"
    text = part.text if name == "text" else part.refusal
    if text is None:
        raise InvalidParameter(f"'{where}.{name}' is required.", param=f"{where}.{name}")
    return text
