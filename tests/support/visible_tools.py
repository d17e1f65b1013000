"""Tools whose every name that a grammar can force is a word of its own, so that a prompt shows it.

Such names begin with ``zq``; names of keywords stand for themselves (``KEYWORD_NAMES``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]

WORD = re.compile(r"zq\w+")
_NAME = re.compile(r"[\w$-]+")
TEXT = {"type": "string"}
NULL = {"type": "null"}
_RECORD: Json = {
    "type": "object",
    "properties": {"zq_amount": {"type": "number"}, "zq_place": TEXT},
    "required": ["zq_amount"],
}
_CHOICE: Json = {"type": "string", "enum": ["zq_north", "zq_south"]}
KEYWORD_NAMES = ("type", "properties", "description", "items", "required", "$ref", "enum")
_KEYWORDS: Json = {
    "type": "object",
    "properties": {name: {"type": "string", "description": "Text."} for name in KEYWORD_NAMES},
    "required": ["type", "required"],
}
_NODE: Json = {
    "type": "object",
    "properties": {
        "zq_label": TEXT,
        "zq_children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
    },
}


def _refs(schema: Any, **definitions: Any) -> Json:
    return {"properties": {"zq_top": schema}, "$defs": definitions}


# Each is joined with {"type": "object"}.
SCHEMAS: dict[str, Json] = {
    "flat": {"properties": {"zq_city": {**TEXT, "description": "The city."}}},
    "undescribed": {"properties": {"zq_city": TEXT, "zq_days": {"type": "integer"}}},
    "empty": {"properties": {}},
    "absent": {},
    "any": {"properties": {"zq_any": {}, "zq_true": True}},
    "enum": {"properties": {"zq_way": _CHOICE, "zq_size": {"enum": ["zq_small", 3, None]}}},
    "const": {"properties": {"zq_kind": {"const": "zq_fixed"}}},
    "nested": {"properties": {"zq_top": _RECORD}},
    "twice nested": {
        "properties": {"zq_top": {"type": "object", "properties": {"zq_inner": _RECORD}}}
    },
    "enum inside": {
        "properties": {"zq_top": {"type": "object", "properties": {"zq_way": _CHOICE}}}
    },
    "list of objects": {"properties": {"zq_top": {"type": "array", "items": _RECORD}}},
    "list of choices": {"properties": {"zq_top": {"type": "array", "items": _CHOICE}}},
    "list of lists": {
        "properties": {"zq_top": {"type": "array", "items": {"type": "array", "items": _RECORD}}}
    },
    "tuple": {"properties": {"zq_top": {"type": "array", "prefixItems": [_RECORD, _CHOICE]}}},
    "or null": {"properties": {"zq_top": {"anyOf": [_RECORD, NULL]}}},
    "choice or null": {"properties": {"zq_top": {"anyOf": [_CHOICE, NULL], "default": None}}},
    "types": {"properties": {"zq_top": {"type": ["string", "null"]}}},
    "one of": {
        "properties": {
            "zq_top": {
                "oneOf": [
                    {"type": "object", "properties": {"zq_kind": {"const": "zq_cat"}}},
                    {"type": "object", "properties": {"zq_kind": {"const": "zq_dog"}}},
                ]
            }
        }
    },
    "all of": {"properties": {"zq_top": {"allOf": [_RECORD, {"properties": {"zq_more": TEXT}}]}}},
    "all of on top": {"allOf": [_RECORD, {"properties": {"zq_more": TEXT}}]},
    "any of on top": {"anyOf": [_RECORD, {"type": "object", "properties": {"zq_more": TEXT}}]},
    "map": {"properties": {"zq_top": {"type": "object", "additionalProperties": _RECORD}}},
    "patterns": {
        "properties": {"zq_top": {"type": "object", "patternProperties": {"^x": _RECORD}}}
    },
    "reference": _refs({"$ref": "#/$defs/Record"}, Record=_RECORD),
    "reference to a choice": _refs({"$ref": "#/$defs/Way"}, Way=_CHOICE),
    "reference or null": _refs({"anyOf": [{"$ref": "#/$defs/Record"}, NULL]}, Record=_RECORD),
    "list of references": _refs({"type": "array", "items": {"$ref": "#/$defs/R"}}, R=_RECORD),
    "references in turn": _refs(
        {"$ref": "#/$defs/Outer"},
        Outer={"type": "object", "properties": {"zq_inner": {"$ref": "#/$defs/Record"}}},
        Record=_RECORD,
    ),
    "definitions": {
        "properties": {"zq_top": {"$ref": "#/definitions/Record"}},
        "definitions": {"Record": _RECORD},
    },
    "components": {
        "properties": {"zq_top": {"oneOf": [{"$ref": "#/components/schemas/Record"}, _CHOICE]}},
        "components": {"schemas": {"Record": _RECORD}},
    },
    "tree": _refs({"$ref": "#/$defs/Node"}, Node=_NODE),
    "tree on top": {"$ref": "#/$defs/Node", "$defs": {"Node": _NODE}},
    "keywords": _KEYWORDS,
    "keywords inside": {"properties": {"zq_top": _KEYWORDS}},
    "keywords in a list": {"properties": {"zq_top": {"type": "array", "items": _KEYWORDS}}},
    "keyword enum": {"properties": {"zq_top": {"type": "string", "enum": ["type", "zq_other"]}}},
    "if": {
        "properties": {"zq_top": TEXT},
        "if": {"properties": {"zq_top": {"const": "zq_yes"}}},
        "then": {"properties": {"zq_more": TEXT}},
    },
}
COUNTS = (1, 3, 40)


def tools_of(kind: str, count: int) -> list[Json]:
    """*count* tools, the last with the schema *kind*, the others with that and others in turn.

    Every name is that of one tool alone.
    """
    kinds = list(SCHEMAS)
    at = kinds.index(kind)
    return [_tool(kinds[(at - n) % len(kinds)], n) for n in reversed(range(count))]


def _tool(kind: str, n: int) -> Json:
    schema = {"type": "object", **SCHEMAS[kind]} if SCHEMAS[kind] else None
    text = WORD.sub(lambda word: f"{word[0]}_{n}x", json.dumps(schema))
    function = {"name": f"zq_tool_{n}x", "parameters": json.loads(text)}
    if n % 2:
        function["description"] = "Does it."
    return {"type": "function", "function": function}


def words_of(tools: list[Json]) -> Iterator[str]:
    """Names that a grammar over calls of *tools* can force, each once."""
    for tool in tools:
        function = tool["function"]
        yield from dict.fromkeys(
            WORD.findall(json.dumps([function["name"], function["parameters"]]))
        )


def names_of(tools: Iterable[Json]) -> set[str]:
    """Names that a grammar over calls of any *tools* can force, texts of enum and const too."""
    found: set[str] = set()
    for tool in tools:
        function = tool["function"]
        found |= {function["name"], *_forced(function.get("parameters"))}
    return found - {""}


def _forced(schema: Any) -> Iterator[str]:
    """Names in *schema*; its definitions are read where they stand."""
    if isinstance(schema, list):
        for item in schema:
            yield from _forced(item)
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
            yield from value if keyword == "properties" else ()
            yield from _forced(list(value.values()))
        elif keyword in ("enum", "const"):
            values = value if isinstance(value, list) else [value]
            yield from (item for item in values if isinstance(item, str))
        elif keyword not in ("default", "examples"):
            yield from _forced(value)


def unseen(names: Iterable[str], prompt: str) -> list[str]:
    """Those of *names* that do not stand in *prompt* as words of their own."""
    words = set(_NAME.findall(prompt))
    return sorted(
        name
        for name in names
        if not (name in words if _NAME.fullmatch(name) else _written(name, prompt))
    )


def _written(name: str, prompt: str) -> bool:
    return name in prompt or json.dumps(name, ensure_ascii=False)[1:-1] in prompt


def with_renamed_keyword(tools: list[Json], name: str) -> list[Json]:
    """The tools, their properties *name* renamed."""
    renamed: list[Json] = _renamed(tools, name, in_properties=False)
    return renamed


def _renamed(value: Any, name: str, *, in_properties: bool) -> Any:
    if isinstance(value, list):
        return [_renamed(item, name, in_properties=False) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, member in value.items():
        own = f"zq_{key}_renamed" if in_properties and key == name else key
        inner = key == "properties" and not in_properties
        if key == "required" and not in_properties and isinstance(member, list):
            member = [f"zq_{name}_renamed" if item == name else item for item in member]  # noqa: PLW2901
        found[own] = _renamed(member, name, in_properties=inner)
    return found
