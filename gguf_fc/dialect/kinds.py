"""What JSON Schema says about the kind of a value, for notations that do not show it.

``<days>3</days>`` is a number or a text, as the schema has it.  Only what types a value is read
here: types, enum, const, references and combinations.  Whether a value is valid is not this
module's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

Kind = str  # "string", "number", "boolean", "null", "array", "object"

ANY: frozenset[Kind] = frozenset(("string", "number", "boolean", "null", "array", "object"))
_MOST_STEPS = 64  # references and combinations followed for one answer


@dataclass(frozen=True, slots=True)
class Listed:
    """The members that an object's schema lists."""

    keys: dict[str, Typed]
    required: frozenset[str]
    closed: bool  # other members are forbidden, or nothing is said of them
    barred: bool  # other members are forbidden
    others: Typed  # what other members are
    skipped: tuple[str, ...]  # keywords that say more than is listed here


_SAID_ELSEWHERE = (
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "const",
    "enum",
)


_SAID_OF_ITEMS = ("uniqueItems", "prefixItems", "contains", "not", "if", "const", "enum")


@dataclass(frozen=True, slots=True)
class Typed:
    """A schema with the document that its references point into."""

    schema: Any
    document: Any

    @classmethod
    def root(cls, schema: Any) -> Typed:
        """A whole document."""
        return cls(schema, schema)

    def member(self, key: str) -> Typed:
        """The schema of the value under *key* of an object."""
        return Typed(_first(self._members(key)), self.document)

    def arranged(self, value: Any) -> Any:
        """*value* with the members of its objects in the order in which the schema lists them."""
        if isinstance(value, list):
            items = self.items()
            return [items.arranged(item) for item in value]
        if not isinstance(value, dict):
            return value
        listed = [key for key in self.listed().keys if key in value]
        keys = dict.fromkeys((*listed, *value))
        return {key: self.member(key).arranged(value[key]) for key in keys}

    def restricted(self) -> bool:
        """Whether the schema says more than its type."""
        says = {"type", "title", "description", "default", "examples", "nullable", "$comment"}
        return isinstance(self.schema, dict) and not self.schema.keys() <= says

    def listed(self) -> Listed:
        """What the schema of an object says of its members."""
        parts = self.parts()
        certain = self.parts(combined=("allOf",))
        keys = {
            key: Typed(schema, self.document)
            for part in reversed(parts)
            for key, schema in _mapping(part.get("properties")).items()
        }
        ordered = dict.fromkeys(key for part in parts for key in _mapping(part.get("properties")))
        names = {name for part in certain for name in _schemas(part.get("required"))}
        ordered |= dict.fromkeys(sorted(names - ordered.keys()))
        others = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
        open_ended = any(other is not False for other in others) and False not in others
        says = {"properties", "additionalProperties", "required"}
        silent = not any(says & part.keys() for part in parts)
        skipped = [word for part in parts for word in _SAID_ELSEWHERE if word in part]
        skipped += [word for word in ("anyOf", "oneOf") for part in certain if word in part]
        return Listed(
            {key: keys.get(key, Typed(None, self.document)) for key in ordered},
            frozenset(names),
            closed=not (open_ended or silent),
            barred=False in others,
            others=Typed(_first(others), self.document),
            skipped=tuple(dict.fromkeys(skipped)),
        )

    def counts(self) -> tuple[int, int | None, tuple[str, ...]]:
        """How many items an array may have, and the keywords that say more of them."""
        parts = self.parts(combined=("allOf",))
        least = [part["minItems"] for part in parts if _is_count(part.get("minItems"))]
        most = [part["maxItems"] for part in parts if _is_count(part.get("maxItems"))]
        skipped = [word for part in parts for word in _SAID_OF_ITEMS if word in part]
        return max(least, default=0), min(most, default=None), tuple(dict.fromkeys(skipped))

    def items(self) -> Typed:
        """The schema of the items of an array."""
        return Typed(_first(part.get("items") for part in self.parts()), self.document)

    def kinds(self, steps: int = _MOST_STEPS) -> frozenset[Kind]:
        """The kinds of value that the schema may admit, following so many references at most."""
        if not isinstance(self.schema, dict) or steps <= 0:
            return frozenset() if self.schema is False else ANY
        schema, found = self.schema, ANY
        if "type" in schema:
            found &= _declared(schema["type"])
        if schema.get("nullable") is True:
            found |= {"null"}
        if isinstance(schema.get("enum"), list):
            found &= frozenset(map(kind_of, schema["enum"]))
        if "const" in schema:
            found &= {kind_of(schema["const"])}
        if isinstance(schema.get("$ref"), str):
            found &= self._referred(schema["$ref"]).kinds(steps - 1)
        for keyword in ("anyOf", "oneOf"):
            if options := _schemas(schema.get(keyword)):
                found &= frozenset().union(
                    *(Typed(o, self.document).kinds(steps // len(options) - 1) for o in options)
                )
        for part in _schemas(schema.get("allOf")):
            found &= Typed(part, self.document).kinds(steps // 2)
        return found

    def parts(
        self, steps: int = _MOST_STEPS, combined: tuple[str, ...] = ("allOf", "anyOf", "oneOf")
    ) -> list[dict[str, Any]]:
        """The schema and all that it refers to or is combined of."""
        if not isinstance(self.schema, dict) or steps <= 0:
            return []
        found = [self.schema]
        if isinstance(self.schema.get("$ref"), str):
            found += self._referred(self.schema["$ref"]).parts(steps - 1, combined)
        for keyword in combined:
            options = _schemas(self.schema.get(keyword))
            for option in options:
                found += Typed(option, self.document).parts(steps // (len(options) + 1), combined)
        return found

    def _members(self, key: str) -> list[Any]:
        parts = self.parts()
        found: list[Any] = [_mapping(part.get("properties")).get(key) for part in parts]
        for part in parts:
            patterns = _mapping(part.get("patternProperties"))
            found += [sub for pattern, sub in patterns.items() if _matches(pattern, key)]
        found += [part.get("additionalProperties") for part in parts]
        return found

    def _referred(self, pointer: str) -> Typed:
        """What a reference into the document points at; anything, if it points elsewhere."""
        here: Any = self.document
        if not pointer.startswith("#"):
            return Typed(None, self.document)
        for step in filter(None, pointer[1:].split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and name in here:
                here = here[name]
            elif isinstance(here, list) and name.isdecimal() and int(name) < len(here):
                here = here[int(name)]
            else:
                return Typed(None, self.document)
        return Typed(here, self.document)


def kind_of(value: Any) -> Kind:
    """The JSON kind of a Python value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _declared(types: Any) -> frozenset[Kind]:
    names = types if isinstance(types, list) else [types]
    return frozenset("number" if name == "integer" else str(name) for name in names)


def _schemas(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _matches(pattern: str, key: str) -> bool:
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return False


def _first(found: Any) -> Any:
    """The first schema among *found*; None where there is none."""
    return next((schema for schema in found if isinstance(schema, dict)), None)
