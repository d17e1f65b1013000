"""References written out, for templates that show no definitions."""

from __future__ import annotations

import json
from typing import Any

from gguf_fc.dialect.prompt.tools.references import has_references, inlined

TEXT = {"type": "string"}
NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"label": TEXT, "next": {"$ref": "#/$defs/Node"}},
}


def prop(schema: Any, **definitions: Any) -> dict[str, Any]:
    return {"properties": {"top": schema}, "$defs": definitions}


def test_a_reference_is_replaced_by_what_it_points_to() -> None:
    assert inlined(prop({"$ref": "#/$defs/Way"}, Way=TEXT)) == {"properties": {"top": TEXT}}
    assert inlined({"$ref": "#/definitions/a~1b", "definitions": {"a/b": TEXT}}) == TEXT
    nested = prop({"$ref": "#/$defs/A"}, A={"items": {"$ref": "#/$defs/B"}}, B=TEXT)
    assert inlined(nested) == {"properties": {"top": {"items": TEXT}}}


def test_what_stands_beside_a_reference_stays() -> None:
    described = prop({"$ref": "#/$defs/Way", "description": "Where."}, Way=TEXT)
    assert inlined(described)["properties"]["top"] == {**TEXT, "description": "Where."}
    limited = prop({"$ref": "#/$defs/Way", "maxLength": 3}, Way={**TEXT, "maxLength": 5})
    assert inlined(limited)["properties"]["top"] == {
        "allOf": [{**TEXT, "maxLength": 5}, {"maxLength": 3}]
    }


def test_a_schema_that_contains_itself_is_written_once() -> None:
    found = inlined(prop({"$ref": "#/$defs/Node"}, Node=NODE))
    assert found["properties"]["top"]["properties"] == {
        "label": TEXT,
        "next": {"type": "object", "description": "Another Node."},
    }
    assert not has_references(found)
    assert not has_references(inlined({"properties": {"again": {"$ref": "#"}}}))


def test_definitions_that_name_each_other_many_times_do_not_explode() -> None:
    definitions = {
        f"D{n}": {"properties": {f"p{m}": {"$ref": f"#/$defs/D{n + 1}"} for m in range(10)}}
        for n in range(30)
    }
    schema = prop({"$ref": "#/$defs/D0"}, **definitions, D30=TEXT)
    assert len(json.dumps(inlined(schema))) < 20 * len(json.dumps(schema))


def test_a_reference_to_nothing_stays() -> None:
    for reference in ("#/$defs/Absent", "https://example.org/x.json", "other.json#/a", "#anchor"):
        assert inlined(prop({"$ref": reference}))["properties"]["top"] == {"$ref": reference}


def test_a_property_may_be_called_ref() -> None:
    schema = {"properties": {"$ref": TEXT}}
    assert not has_references(schema)
    assert inlined(schema) == schema
