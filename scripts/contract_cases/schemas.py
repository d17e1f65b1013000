"""Cases of arguments that a tool's grammar refuses, however damaged its schema is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from contract_cases.cases import Case
from gguf_fc import Dialect

_SAMPLES = {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def faults(dialect: Dialect, case: Case, _template: str) -> Iterator[str]:
    """Faults of what the grammar of a required call refuses and accepts."""
    tools = case["tools"]
    grammar = dialect.grammar(tools, "required")
    for function in (tool["function"] for tool in tools):

        def held(arguments: Any, name: str = function["name"]) -> bool:
            call = {"name": name, "arguments": arguments}
            return grammar.matches(dialect.write(tool_calls=[call]))

        for arguments in case["must_refuse"]:
            if held(arguments):
                yield f"accepted: {json.dumps(arguments)}"
        good = case.get("must_accept") or [_smallest(function["parameters"])]
        for arguments in good:
            if not held(arguments):
                yield f"refused: {json.dumps(arguments)}"


def _smallest(schema: dict[str, Any]) -> dict[str, Any]:
    """The arguments that *schema* requires, each of the simplest value."""
    properties, required = schema.get("properties") or {}, schema.get("required") or []
    return {key: _value(properties.get(key) or {}) for key in required}


def _value(schema: dict[str, Any]) -> Any:
    return schema["enum"][0] if schema.get("enum") else _SAMPLES[schema.get("type", "string")]
