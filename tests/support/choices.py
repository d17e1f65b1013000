"""Tools for a model that talks nonsense, and every way to say which of them it may call."""

from __future__ import annotations

from typing import Any


def tool(name: str, **properties: Any) -> dict[str, Any]:
    required = [key for key in properties if not key.startswith("may_")]
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Use {name}",
            "parameters": {"type": "object", "properties": properties, "required": required},
        },
    }


TOOLS: list[Any] = [
    tool("get_weather", city={"type": "string", "maxLength": 6}, may_unit={"enum": ["C", "F"]}),
    tool(
        "set_alarm",
        hour={"type": "integer", "minimum": 0, "maximum": 23},
        loud={"type": "boolean"},
        may_days={"type": "array", "items": {"enum": ["mon", "tue"]}, "maxItems": 2},
    ),
    tool(
        "add.note",
        tags={"type": "array", "items": {"const": "x"}, "maxItems": 3},
        may_at={
            "type": "object",
            "properties": {"line": {"type": "integer", "minimum": 1, "maximum": 99}},
            "required": ["line"],
            "additionalProperties": False,
        },
    ),
    tool("ping"),
]
SCHEMAS = {entry["function"]["name"]: entry["function"]["parameters"] for entry in TOOLS}
NAMED = {"type": "function", "function": {"name": "set_alarm"}}
CHOICES: dict[str, dict[str, Any]] = {
    "none": {"tool_choice": "none"},
    "auto": {"tool_choice": "auto"},
    "required": {"tool_choice": "required"},
    "named": {"tool_choice": NAMED},
    "one call": {"tool_choice": "required", "parallel_tool_calls": False},
    "allowed": {
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "ping"}}],
            },
        }
    },
}
