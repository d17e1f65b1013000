"""Random JSON Schemas, values valid under them, and values near those."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "ab", "abc", "city", "größe", 'q"t', "x\ny", ""])
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
NUMBERS = st.one_of(
    st.integers(-1000, 1000), st.decimals(-50, 50, places=2, allow_nan=False).map(float)
)
Inner = st.SearchStrategy[Any]
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def _number_schemas(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = draw(NUMBERS)
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = draw(NUMBERS)
    return schema


@st.composite
def _string_schemas(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if draw(st.booleans()):
        schema["minLength"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        schema["maxLength"] = draw(st.integers(0, 5))
    return schema


@st.composite
def _array_schemas(draw: st.DrawFn, inner: Inner) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array"}
    if draw(st.booleans()):
        schema["items"] = draw(inner)
    if draw(st.integers(0, 3)) == 0:
        schema["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=2))
    if draw(st.booleans()):
        schema["minItems"] = draw(st.integers(0, 2))
    if draw(st.booleans()):
        schema["maxItems"] = draw(st.integers(0, 3))
    return schema


@st.composite
def _object_schemas(draw: st.DrawFn, inner: Inner) -> dict[str, Any]:
    properties: dict[str, Any] = draw(st.dictionaries(NAMES, inner, max_size=4))
    schema: dict[str, Any] = {"type": "object"}
    listed, demanding = draw(st.booleans()), draw(st.booleans())
    if properties or listed:
        schema["properties"] = properties
    if properties and demanding:
        schema["required"] = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(st.one_of(st.booleans(), inner))
    return schema


SCHEMAS = st.recursive(
    st.one_of(
        st.sampled_from([True, {}, {"type": "null"}, {"type": "boolean"}]),
        _number_schemas(),
        _string_schemas(),
        st.lists(VALUES, min_size=1, max_size=3).map(lambda values: {"enum": values}),
        VALUES.map(lambda value: {"const": value}),
    ),
    lambda inner: st.one_of(
        _array_schemas(inner),
        _object_schemas(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
    ),
    max_leaves=6,
)


def ordered(schema: Any, value: Any) -> Any:
    """*value* with the members of its objects in the order in which *schema* declares them."""
    if isinstance(value, list):
        return [ordered(_item_schema(schema, at), item) for at, item in enumerate(value)]
    if isinstance(value, dict):
        declared = _declared(schema)
        known = {name: ordered(declared[name], value[name]) for name in declared if name in value}
        others = {name: inner for name, inner in value.items() if name not in declared}
        return known | others
    return value


def _declared(schema: Any) -> dict[str, Any]:
    return schema.get("properties", {}) if isinstance(schema, dict) else {}


def _item_schema(schema: Any, at: int) -> Any:
    if not isinstance(schema, dict):
        return True
    prefix = schema.get("prefixItems", [])
    return prefix[at] if at < len(prefix) else schema.get("items", True)


@st.composite
def valid_values(draw: st.DrawFn, schema: Any) -> Any:
    """A value that is likely to be valid; members come in declared order."""
    if isinstance(schema, bool) or not schema:
        return draw(VALUES)
    if "const" in schema:
        return copy.deepcopy(schema["const"])
    if "enum" in schema:
        return copy.deepcopy(draw(st.sampled_from(schema["enum"])))
    for keyword in ("anyOf", "allOf"):
        if keyword in schema:
            return draw(valid_values(draw(st.sampled_from(schema[keyword]))))
    return _of_type(draw, schema)


def _of_type(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    match schema["type"]:
        case "null":
            return None
        case "boolean":
            return draw(st.booleans())
        case "integer" | "number":
            return _number_near(draw, schema)
        case "string":
            least = schema.get("minLength", 0)
            most = max(least, schema.get("maxLength", least + 3))
            return draw(st.text(st.characters(codec="utf-8"), min_size=least, max_size=most))
        case "array":
            least = max(schema.get("minItems", 0), 0)
            count = draw(st.integers(least, max(least, min(3, schema.get("maxItems", 3)))))
            return [draw(valid_values(_item_schema(schema, at))) for at in range(count)]
        case _:
            return _object(draw, schema)


def _number_near(draw: st.DrawFn, schema: dict[str, Any]) -> float:
    limits = [schema[k] for k in schema if k.lower().endswith("imum")]
    base = draw(st.sampled_from([*limits, 0]))
    if schema["type"] == "integer":
        return int(base) + draw(st.integers(-2, 2))
    return float(base) + draw(st.sampled_from([0, 0.5, -0.5, 0.01, -0.01, 1, -1]))


def _object(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    declared = _declared(schema)
    required = schema.get("required", [])
    value = {
        name: draw(valid_values(inner))
        for name, inner in declared.items()
        if name in required or draw(st.booleans())
    }
    extra = schema.get("additionalProperties", True)
    if extra is not False:
        for name in draw(st.lists(NAMES, max_size=2)):
            if name not in declared:
                value[name] = draw(valid_values(extra))
    return value
