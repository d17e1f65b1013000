"""Alternatives in a schema, for templates that know one type in each place."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.prompt.tools.alternatives import has_alternatives, single, typed

TEXT = {"type": "string"}
NULL = {"type": "null"}
RECORD = {"type": "object", "properties": {"a": TEXT}, "required": ["a"]}

SINGLE: list[tuple[Any, Any]] = [
    (RECORD, RECORD),
    ({"anyOf": [TEXT, NULL]}, {**TEXT, "description": "(or null)"}),
    (
        {"anyOf": [NULL, TEXT], "default": None},
        {**TEXT, "default": None, "description": "(or null)"},
    ),
    ({"oneOf": [RECORD, NULL], "description": "A."}, {**RECORD, "description": "A. (or null)"}),
    (
        {"anyOf": [{**TEXT, "title": "T"}, {"type": "integer"}]},
        {**TEXT, "title": "T", "description": "(or integer)"},
    ),
    ({"type": ["null", "string"]}, {**TEXT, "description": "(or null)"}),
    (
        {"type": ["integer", "string"], "description": "A size."},
        {"type": "integer", "description": "A size. (or string)"},
    ),
    ({"type": ["string"]}, TEXT),
    (
        {"allOf": [RECORD, {"properties": {"b": TEXT}, "required": ["b"]}]},
        {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a", "b"]},
    ),
    ({"items": {"anyOf": [TEXT, NULL]}}, {"items": {**TEXT, "description": "(or null)"}}),
    ({"anyOf": []}, {"anyOf": []}),
    ({"properties": {"anyOf": TEXT}}, {"properties": {"anyOf": TEXT}}),
]
TYPED: list[tuple[Any, Any]] = [
    ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    ({"enum": ["a", None]}, {"type": "string", "enum": ["a", None]}),
    ({"enum": ["a", 1]}, {"enum": ["a", 1]}),
    ({"enum": [True]}, {"type": "boolean", "enum": [True]}),
    (
        {"properties": {"a": {"items": TEXT}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": TEXT}}},
    ),
    ({"type": "object", "additionalProperties": True}, {"type": "object"}),
    ({"type": "string", "default": None}, TEXT),
    ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
]


@pytest.mark.parametrize(("given", "found"), SINGLE)
def test_there_is_one_type_in_each_place(given: Any, found: Any) -> None:
    assert single(given) == found


def test_keywords_that_a_template_shows_are_kept() -> None:
    assert single({"anyOf": [TEXT, NULL]}, frozenset({"anyOf"})) == {"anyOf": [TEXT, NULL]}
    nested = {"items": {"type": ["string", "null"], "oneOf": [TEXT]}}
    assert single(nested, frozenset({"type"})) == {"items": {"type": ["string", "null"]}}


@pytest.mark.parametrize(("given", "found"), TYPED)
def test_types_are_told_where_values_tell_them(given: Any, found: Any) -> None:
    assert typed(given) == found


def test_alternatives_are_found_at_every_depth() -> None:
    assert has_alternatives({"properties": {"a": {"items": {"anyOf": [TEXT]}}}})
    assert has_alternatives({"type": ["string", "null"]})
    assert not has_alternatives({"properties": {"anyOf": TEXT, "type": TEXT}, "enum": ["a"]})
