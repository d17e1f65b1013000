"""Schemas as TypeScript: one member a line, with its description above it."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.prompt.typescript import typescript

CASES: list[tuple[dict[str, Any], str]] = [
    ({"type": "string"}, "string"),
    ({"type": "integer"}, "number"),
    ({"enum": ["c", "f"]}, '"c" | "f"'),
    ({"const": 3}, "3"),
    ({"type": ["string", "null"]}, "string | null"),
    ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, "boolean | null"),
    ({"type": "array", "items": {"type": "number"}}, "Array<number>"),
    ({"type": "array"}, "any[]"),
    ({"$ref": "#/$defs/place"}, "{\n    at: string,\n}"),
    ({"$ref": "#/$defs/tree"}, "{\n}"),
    ({"$ref": "#/elsewhere"}, "any"),
    ({}, "any"),
]
DEFINITIONS = {
    "place": {
        "type": "object",
        "properties": {"at": {"type": "string"}},
        "required": ["at"],
    },
    "tree": {"properties": {"below": {"$ref": "#/$defs/tree"}}},
}


@pytest.mark.parametrize(("schema", "written"), CASES)
def test_a_parameter_is_declared_by_its_type(schema: dict[str, Any], written: str) -> None:
    parameters = {"properties": {"it": schema}, "$defs": DEFINITIONS}
    text = typescript([{"name": "f", "description": "Does.\nWell.", "parameters": parameters}])
    if written != "{\n}":
        assert text == f"// Does.\n// Well.\ntype f = (_: {{\nit?: {written},\n}}) => any;\n\n"
    else:  # a definition within itself comes to an end
        assert "it?: any" in text


def test_a_function_without_parameters_takes_none() -> None:
    assert (
        typescript([{"name": "now", "parameters": {"type": "object"}}])
        == "type now = () => any;\n\n"
    )
