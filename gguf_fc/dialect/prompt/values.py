"""Messages and tools as the values a template is rendered with.

Fields, roles, ids and the form of content are those the template knows (``Needs``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gguf_fc.dialect.prompt.ids import shaped_id
from gguf_fc.dialect.prompt.needs import Needs
from gguf_fc.dialect.prompt.repair import read_object
from gguf_fc.dialect.prompt.tools.tool_schemas import shown_schema
from gguf_fc.request import Message, Tool, ToolCall


def _thinking_parts(thought: str, text: str) -> list[dict[str, str]]:
    thoughts = [{"type": "thinking", "thinking": thought}] if thought else []
    return thoughts + ([{"type": "text", "text": text}] if text else [])


def _blocks(thought: str, text: str) -> dict[str, list[dict[str, str]]]:
    thoughts = [{"type": "thoughts", "text": thought}] if thought else []
    return {"blocks": thoughts + ([{"type": "response", "text": text}] if text else [])}


# Reasoning that stands in the content of a turn instead of a field of its own.
THOUGHTS_IN_CONTENT = {"content: thinking parts": _thinking_parts, "content: blocks": _blocks}


def normalised(messages: Sequence[Message], needs: Needs) -> list[dict[str, Any]]:
    """The messages as template values."""
    index = 0
    ids: dict[str, str] = {}
    values = []
    for message in messages:
        for call in message.tool_calls:
            ids[call.id or ""] = shaped_id(needs.ids, call.id or "", call.name, index)
            index += 1
        apart = needs.metadata or needs.text_apart
        if apart and message.tool_calls and message.content:
            # Where the call takes the place of content, what is said beside it is another turn.
            said = replace(message, tool_calls=())
            message = replace(message, content=None, reasoning_content=None)  # noqa: PLW2901
            values.append(_as_value(said, ids, needs))
        values.append(_as_value(message, ids, needs))
    return values


def tool_values(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The tools as templates expect them: OpenAI's form."""
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


def _parameters(tool: Tool) -> dict[str, Any]:
    return {"type": "object", "properties": {}, **shown_schema(tool.parameters or {})}


def _as_value(message: Message, ids: dict[str, str], needs: Needs) -> dict[str, Any]:
    value: dict[str, Any] = {"role": message.role, "content": _content(message, needs)}
    wanted = message.reasoning_content or (needs.reasoning_required and message.role == "assistant")
    if wanted and needs.reasoning not in THOUGHTS_IN_CONTENT:
        value[needs.reasoning] = message.reasoning_content or ""
    if message.name is not None:
        value["name"] = message.name
    if message.role == "tool":
        given = message.tool_call_id or ""
        value["role"] = needs.result_role
        value["tool_call_id"] = ids.get(given) or shaped_id(needs.ids, given, message.name or "", 0)
    if message.tool_calls and needs.metadata:
        (call,) = message.tool_calls
        value |= {"metadata": call.name, "content": call.arguments}
    elif message.tool_calls:
        value["tool_calls"] = [
            _call_value(call, ids[call.id or ""], needs) for call in message.tool_calls
        ]
    return value


def _content(message: Message, needs: Needs) -> Any:
    """The content as text or parts; a turn with calls may be without any."""
    if needs.null_content and message.tool_calls and not message.content:
        return None
    text = message.content or ("" if message.tool_calls else needs.filler or "")
    if message.role == "assistant" and needs.reasoning in THOUGHTS_IN_CONTENT:
        return THOUGHTS_IN_CONTENT[needs.reasoning](message.reasoning_content or "", text)
    if not needs.parts:
        return text
    return [{"type": "text", "text": text}] if text or needs.filler is not None else []


def _call_value(call: ToolCall, id_: str, needs: Needs) -> dict[str, Any]:
    arguments: Any = read_object(call.arguments)
    if needs.text_arguments:
        arguments = json.dumps(arguments, ensure_ascii=False)
    return {
        "id": id_,
        "type": "function",
        "function": {
            "name": call.name,
            "arguments": arguments,
        },
    }
