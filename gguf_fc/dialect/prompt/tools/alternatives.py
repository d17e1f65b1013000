"""Schemas without ``anyOf`` and the like, for templates that know one type in each place.

What is lost of alternatives is said in the description: ``(or null)``, ``(or string)``.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from gguf_fc.dialect.prompt.tools.tool_schemas import mapped, subschemas

_Json = dict[str, Any]
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


# Keywords that tell of more than one schema in a place; "type" does if it is a list.
KEYWORDS = ("anyOf", "oneOf", "allOf", "type")


def has_alternatives(schema: _Json) -> bool:
    """True if one of ``KEYWORDS`` tells of alternatives anywhere in *schema*."""
    own = any(isinstance(schema.get(keyword), list) for keyword in KEYWORDS)
    return own or any(map(has_alternatives, subschemas(schema)))


def single(schema: _Json, keep: frozenset[str] = frozenset()) -> _Json:
    """*schema* with one type and no alternatives in each place, but for the keywords to *keep*."""
    plain = {
        keyword: mapped(keyword, value, lambda inner: single(inner, keep))
        for keyword, value in schema.items()
    }
    for keyword in ("anyOf", "oneOf"):
        branches = plain.get(keyword)
        if keyword not in keep and isinstance(branches, list) and branches:
            rest = {key: value for key, value in plain.items() if key != keyword}
            plain = _with_branch(rest, branches)
    if "allOf" not in keep and isinstance(parts := plain.pop("allOf", None), list):
        plain = reduce(_joined, [*parts, plain])
    types = plain.get("type")
    if "type" not in keep and isinstance(types, list) and types:
        first, *others = sorted(types, key="null".__eq__)
        plain = _or({**plain, "type": first}, others)
    return plain


def typed(schema: _Json) -> _Json:
    """*schema* with ``enum`` for ``const``, and types where they are clear from the values.

    What templates fail over is left out: a default of null, and what other keys may hold.
    """
    plain = {
        keyword: mapped(keyword, value, typed)
        for keyword, value in schema.items()
        if keyword != "additionalProperties" and (keyword, value) != ("default", None)
    }
    if "const" in plain and "enum" not in plain:
        plain["enum"] = [plain.pop("const")]
    if "type" not in plain and (kind := _kind(plain)):
        plain = {"type": kind, **plain}
    return plain


def _with_branch(rest: _Json, branches: list[_Json]) -> _Json:
    """The first of *branches* that is not null, with what stands beside them."""
    first, *others = sorted(branches, key=lambda branch: branch.get("type") == "null")
    names = (_name(branch) for branch in others)
    return _or(_joined(first, rest), [name for name in names if name != _name(first)])


def _name(branch: _Json) -> str:
    return str(branch.get("title") or branch.get("type") or "another form")


def _joined(inner: _Json, outer: _Json) -> _Json:
    """Both; what *outer* says comes first where only one can be said."""
    found = {**inner, **outer}
    if isinstance(inner.get("properties"), dict) and isinstance(outer.get("properties"), dict):
        found["properties"] = {**inner["properties"], **outer["properties"]}
    if isinstance(inner.get("required"), list) and isinstance(outer.get("required"), list):
        found["required"] = list(dict.fromkeys([*inner["required"], *outer["required"]]))
    return found


def _or(schema: _Json, others: list[Any]) -> _Json:
    """*schema* with other types named in its description."""
    if not others:
        return schema
    names = ", ".join(dict.fromkeys(map(str, others)))
    return {**schema, "description": f"{schema.get('description') or ''} (or {names})".strip()}


def _kind(schema: _Json) -> str | None:
    """The type that a schema without one is of, if that is clear."""
    if isinstance(schema.get("properties"), dict):
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = schema.get("enum")
    if not isinstance(values, list):
        return None
    kinds = {_KINDS.get(type(value)) for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 else None
