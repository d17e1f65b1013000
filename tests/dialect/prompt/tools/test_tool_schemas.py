"""Schemas as clients send them, in forms that templates know."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.prompt.tools.tool_schemas import shown_schema
from tests.support.corpus import corpus

OBJECT = {"type": "object", "properties": {"q": {"type": "string"}}}

SHOWN: list[tuple[Any, dict[str, Any]]] = [
    (OBJECT, OBJECT),
    ({"required": None, "properties": None, "type": "object"}, {"type": "object"}),
    ({"required": "q", "properties": [], "enum": "a"}, {}),
    (
        {"properties": {"q": {"enum": None, "type": "string"}}},
        {"properties": {"q": {"type": "string"}}},
    ),
    (
        {"properties": {"a": True, "b": False, "c": None}},
        {"properties": {"a": {}, "b": {"not": {}}, "c": {}}},
    ),
    ({"items": True, "additionalProperties": True}, {"items": {}, "additionalProperties": True}),
    ({"items": [None, {"type": None}]}, {"items": [{}, {}]}),
    ({"additionalProperties": {"type": None}}, {"additionalProperties": {}}),
    ({"anyOf": [True, {"required": None}]}, {"anyOf": [{}, {}]}),
    ({"$defs": {"d": {"maximum": None}}}, {"$defs": {"d": {}}}),
    ({"const": None, "default": None}, {"const": None, "default": None}),
    ({"enum": ["a", None], "examples": [None]}, {"enum": ["a", None], "examples": [None]}),
    (
        {"properties": {"required": None, "type": {"type": None}}},
        {"properties": {"required": {}, "type": {}}},
    ),
    (True, {}),
]


@pytest.mark.parametrize(("given", "shown"), SHOWN)
def test_what_says_nothing_is_left_out(given: Any, shown: dict[str, Any]) -> None:
    assert shown_schema(given) == shown
    assert shown_schema(shown) == shown


MEMBERS: list[Any] = [
    *(True, False, None, {}, "string", {"type": "string", "enum": None}, {"type": None}),
    {"type": "string", "description": None},
    {"type": "object", "properties": None, "required": None},
    {"type": "object", "additionalProperties": True},
    {"type": "array", "items": None},
    {"type": "array", "items": True},
    {"anyOf": None},
    {"anyOf": [{"type": "string"}, None, True]},
    {"type": ["string", "null"]},
    {"type": "string", "default": None},
]
SPOILT: list[Any] = [
    *({"type": "object", "properties": {"findings_q": member}} for member in MEMBERS),
    {**OBJECT, "required": None},
    {**OBJECT, "required": "q"},
    {**OBJECT, "additionalProperties": None},
    {"type": "object", "properties": None},
    {"type": "object", "properties": []},
]


def test_no_template_fails_over_a_spoilt_schema() -> None:
    for name, dialect in corpus().items():
        for schema in SPOILT:
            tool = {"type": "function", "function": {"name": "find", "parameters": schema}}
            prompt = dialect.render([{"role": "user", "content": "Go."}], tools=[tool])
            assert prompt.warning is None, (name, schema, prompt.warning)
            assert "find" in prompt.text, (name, schema)
            shown = "findings_q" in str(schema)
            assert not shown or "findings_q" in prompt.text, (name, schema)
