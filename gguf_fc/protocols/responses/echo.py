"""Fields of the request that a response repeats, with defaults filled in."""

from __future__ import annotations

from typing import Any

import msgspec

from gguf_fc.protocols.responses.schema import ReasoningConfig, ResponsesBody
from gguf_fc.protocols.responses.tool_types import CallableTool, ResponseTool
from gguf_fc.request import Request

Json = dict[str, Any]


def echo(body: ResponsesBody, request: Request) -> Json:
    """The fields of a response that repeat *body*, which is read as *request*.

    Tools that were passed over are left out: they have no part in the response.
    """
    return {
        "background": False,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "reasoning": _reasoning(body.reasoning),
        "store": body.store is not False,
        "temperature": request.sampling.temperature,
        "text": {"format": _format(body), "verbosity": request.verbosity},
        "tool_choice": body.tool_choice or "auto",
        "tools": [_tool(tool) for tool in body.tools or () if _is_shown(tool)],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": request.sampling.top_p,
        "truncation": body.truncation or "disabled",
    }


def _reasoning(asked: ReasoningConfig | None) -> Json:
    if asked is None:
        return {"effort": None, "summary": None}
    return {"effort": asked.effort, "summary": asked.summary or asked.generate_summary}


def _format(body: ResponsesBody) -> Json:
    asked = None if body.text is None else body.text.format
    if asked is None or asked.type != "json_schema":
        return {"type": "text" if asked is None else asked.type}
    found: Json = msgspec.to_builtins(asked)
    return found | {"name": asked.name or "answer", "strict": bool(asked.strict)}


def _is_shown(tool: ResponseTool) -> bool:
    return tool.is_offered or tool.type == "namespace"


def _tool(tool: CallableTool) -> Json:
    shown: Json = {"type": tool.type, "name": tool.name, "description": tool.description}
    if isinstance(tool, ResponseTool) and tool.type == "namespace":
        inside = [_tool(inner) for inner in tool.tools or () if inner.is_offered]
        return shown | {"tools": inside}
    if tool.type == "function":
        return shown | {"parameters": tool.parameters, "strict": bool(tool.strict)}
    form = {"type": "text"} if tool.format is None else _present(msgspec.to_builtins(tool.format))
    return shown | {"format": form}


def _present(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
