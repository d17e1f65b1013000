"""Shapes of keywords: one whose value makes no sense counts as absent, and is reported.

Clients send ``"enum": null``, ``"maximum": "10"`` or ``"type": "OBJECT"``.  Such a keyword asks for
nothing a grammar could hold, but it must not free what stands beside it: the keyword is dropped
before the schema is read, and everything else is read as if it had never been there.  For a part
that ought to be a schema and is none, the reader puts one that allows anything, in its place only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Loosen = Callable[[str, str], None]  # keyword and reason
Fault = Callable[[Any], str | None]  # what the value must be; None where it is

NULL_IS_ABSENT = "null counts as absent"  # the reason that takes nothing from what is held

TYPES = frozenset({"null", "boolean", "number", "integer", "string", "array", "object", "any"})


def well_formed(raw: dict[str, Any], loosen: Loosen) -> dict[str, Any]:
    """*raw* without its malformed keywords, each of which *loosen* is told; itself if none is."""
    faults = dict(_faults(raw))
    found = {key: value for key, value in raw.items() if key not in faults} if faults else raw
    for keyword, expected in faults.items():
        if expected:
            loosen(keyword, expected)
    if "type" in found:
        found = _with_known_types(found, loosen)
    if isinstance(found.get("required"), list):
        found = _with_names_only(found, loosen)
    return found


def is_schema(value: Any) -> bool:
    """True if *value* has the form of a schema."""
    return isinstance(value, dict | bool)


def _faults(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Malformed keywords, each with the reason; an empty one where nothing was asked for."""
    for keyword, value in raw.items():
        fault = _FAULTS.get(keyword)
        if fault is None:
            continue
        if value is None:
            yield keyword, NULL_IS_ABSENT
        elif keyword == "required" and value is False:
            yield keyword, ""  # draft 3 had it inside the schema of the property
        elif expected := fault(value):
            yield keyword, f"it counts as absent: it must be {expected}"


def _with_known_types(raw: dict[str, Any], loosen: Loosen) -> dict[str, Any]:
    """*raw* without the types that do not exist; without ``type`` if none of them does."""
    given = raw["type"]
    names = given if isinstance(given, list) else [given]
    known = [name for name in names if isinstance(name, str) and name in TYPES]
    if len(known) == len(names):
        return raw
    for name in names:
        if name not in known:
            loosen("type", f"{name!r} is not a type of JSON Schema")
    return raw | {"type": known} if known else {k: v for k, v in raw.items() if k != "type"}


def _with_names_only(raw: dict[str, Any], loosen: Loosen) -> dict[str, Any]:
    """*raw* with only those of its required names that are names."""
    names = [name for name in raw["required"] if isinstance(name, str)]
    if len(names) == len(raw["required"]):
        return raw
    loosen("required", "what is no string in it counts as absent")
    return raw | {"required": names}


def _kind_of(expected: str, *types: type) -> Fault:
    """Fault of a value that is of none of *types*."""
    return lambda value: None if isinstance(value, types) else expected


def _number(value: Any) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return None if fits else "a number"


def _divisor(value: Any) -> str | None:
    return None if _number(value) is None and value > 0 else "a number above 0"


def _limit(value: Any) -> str | None:
    """Fault of an exclusive limit: a number, or draft 4's flag beside the other limit."""
    return None if isinstance(value, bool | int | float) else "a number"


def _count(value: Any) -> str | None:
    fits = _number(value) is None and value >= 0 and value % 1 == 0
    return None if fits else "a whole number, 0 or more"


def _type(value: Any) -> str | None:
    named = isinstance(value, str) or (isinstance(value, list) and value)
    return None if named else "the name of a type, or an array of them"


_SCHEMA = _kind_of("a schema: an object, true or false", dict, bool)
_SCHEMAS = _kind_of("an array of schemas", list)
_MAP = _kind_of("an object", dict)
_TEXT = _kind_of("a string", str)
_FLAG = _kind_of("true or false", bool)

_FAULTS: dict[str, Fault] = {
    "type": _type,
    "nullable": _FLAG,
    "enum": _kind_of("an array", list),
    "$ref": _TEXT,
    "$dynamicRef": _TEXT,
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _SCHEMAS),
    **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames"), _SCHEMA),
    **dict.fromkeys(("additionalProperties", "additionalItems"), _SCHEMA),
    **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), _SCHEMA),
    "items": _kind_of("a schema, or an array of schemas", dict, bool, list),
    **dict.fromkeys(("properties", "patternProperties"), _MAP),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "dependencies"), _MAP),
    "required": _kind_of("an array of names", list),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _count),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _count),
    **dict.fromkeys(("pattern", "format"), _TEXT),
    **dict.fromkeys(("minimum", "maximum"), _number),
    **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), _limit),
    "multipleOf": _divisor,
    "uniqueItems": _FLAG,
}
