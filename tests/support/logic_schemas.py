"""Random schemas of keywords that combine, and small values for them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "ab", "c"])
PATTERNS = st.sampled_from(["^a", "b", "^c$", "^.$"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 6),
    st.sampled_from([0.5, 2.5, -1.5]),
    st.sampled_from(["", "a", "b", "ab", "abc", "é"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=5,
)
Inner = st.SearchStrategy[Any]

_COUNTS = st.integers(0, 3)
_NAME_LISTS = st.lists(NAMES, max_size=2, unique=True)


def _keywords(inner: Inner) -> dict[str, Inner]:
    """Keywords, each with its values."""
    schemas = st.lists(inner, min_size=1, max_size=3)
    by_name = st.dictionaries(NAMES, inner, max_size=2)
    return {
        "type": st.one_of(
            st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"]),
            st.just(["string", "integer"]),
        ),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minimum": st.integers(-2, 4),
        "exclusiveMaximum": st.integers(-2, 4),
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
        "minLength": _COUNTS,
        "maxLength": _COUNTS,
        "pattern": PATTERNS,
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "minItems": _COUNTS,
        "maxItems": _COUNTS,
        "contains": inner,
        "minContains": _COUNTS,
        "maxContains": _COUNTS,
        "uniqueItems": st.just(True),
        "properties": by_name,
        "required": _NAME_LISTS,
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(PATTERNS, inner, min_size=1, max_size=2),
        "propertyNames": inner,
        "minProperties": _COUNTS,
        "maxProperties": _COUNTS,
        "dependentRequired": st.dictionaries(NAMES, _NAME_LISTS, max_size=2),
        "dependentSchemas": by_name,
        "allOf": schemas,
        "anyOf": schemas,
        "oneOf": schemas,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "unevaluatedProperties": inner,
        "unevaluatedItems": inner,
    }


@st.composite
def _schema(draw: st.DrawFn, inner: Inner) -> Any:
    known = _keywords(inner)
    chosen = draw(st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True))
    return {keyword: draw(known[keyword]) for keyword in chosen}


SCHEMAS = st.recursive(st.one_of(st.booleans(), _schema(st.booleans())), _schema, max_leaves=6)


def orders(value: Any) -> Iterator[Any]:
    """*value* with the members of its objects in every order."""
    if isinstance(value, list):
        yield from map(list, product(*(list(orders(item)) for item in value)))
    elif isinstance(value, dict):
        for names in permutations(value):
            for inner in product(*(list(orders(value[name])) for name in names)):
                yield dict(zip(names, inner, strict=True))
    else:
        yield value
