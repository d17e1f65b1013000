"""Tools as TypeScript declarations, in which some models were trained to be told of them.

Descriptions are comments above what they describe.  Knows nothing of templates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {"integer": "number", "null": "null", "object": "object", "array": "any[]"}


def typescript(functions: Sequence[Mapping[str, Any]]) -> str:
    """A type for each of *functions*, with an empty line behind it."""
    return "".join(map(_declared, functions))


def _declared(function: Mapping[str, Any]) -> str:
    schema = function.get("parameters") or {}
    takes = f"_: {_object(schema, schema, '')}" if schema.get("properties") else ""
    text = _comment(function.get("description"), "")
    return f"{text}type {function['name']} = ({takes}) => any;\n\n"


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], indent: str) -> str:
    required = schema.get("required") or ()
    members = "".join(
        f"{_comment(member.get('description'), indent)}"
        f"{indent}{name}{'' if name in required else '?'}: {_type(member, root, indent)},\n"
        for name, member in schema["properties"].items()
    )
    return f"{{\n{members}{indent[4:]}}}"


def _type(schema: Mapping[str, Any], root: Mapping[str, Any], indent: str) -> str:
    if (defined := _defined(schema, root)) is not None:
        return _type(defined, root, indent)
    options = schema.get("anyOf") or schema.get("oneOf")
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
    if options:
        return " | ".join(_type(option, root, indent) for option in options)
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": one}, root, indent) for one in kind)
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return f"Array<{_type(schema['items'], root, indent)}>"
    if kind in ("object", None) and schema.get("properties"):
        return _object(schema, root, indent + "    ")
    return _WORDS.get(str(kind), kind or "any")


def _defined(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The definition that *schema* refers to, with nothing to refer to itself; None if to none."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return None
    name = reference.rpartition("/")[2]
    for defined in (root.get("$defs"), root.get("definitions")):
        if isinstance(defined, Mapping) and isinstance(found := defined.get(name), Mapping):
            # A definition within itself would have no end: there it is any value.
            return {k: v for k, v in found.items() if reference not in json.dumps(v)}
    return {}


def _comment(text: object, indent: str) -> str:
    lines = str(text or "").splitlines()
    return "".join(f"{indent}// {line}\n" for line in lines)
