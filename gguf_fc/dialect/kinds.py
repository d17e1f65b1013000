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
class Typed:
    """A schema with the document that its references point into."""

    schema: Any
    document: Any

    @classmethod
    def root(cls, schema: Any) -> Typed:
        """A whole document."""
        return cls(schema, schema)

    def kinds(self) -> frozenset[Kind]:
        """The kinds of value that the schema may admit."""
        return self._kinds(_MOST_STEPS)

    def known(self) -> bool:
        """Whether the schema says anything at all about the kind."""
        return self.kinds() != ANY

    def member(self, key: str) -> Typed:
        """The schema of the value under *key* of an object."""
        return Typed(_first(self._members(key, _MOST_STEPS)), self.document)

    def items(self) -> Typed:
        """The schema of the items of an array."""
        return Typed(_first(part.get("items") for part in self._parts(_MOST_STEPS)), self.document)

    def _kinds(self, steps: int) -> frozenset[Kind]:
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
            found &= self._referred(schema["$ref"])._kinds(steps - 1)
        for keyword in ("anyOf", "oneOf"):
            if options := _schemas(schema.get(keyword)):
                found &= frozenset().union(
                    *(Typed(o, self.document)._kinds(steps // len(options) - 1) for o in options)
                )
        for part in _schemas(schema.get("allOf")):
            found &= Typed(part, self.document)._kinds(steps // 2)
        return found

    def _parts(self, steps: int) -> list[dict[str, Any]]:
        """The schema and all that it refers to or is combined of."""
        if not isinstance(self.schema, dict) or steps <= 0:
            return []
        found = [self.schema]
        if isinstance(self.schema.get("$ref"), str):
            found += self._referred(self.schema["$ref"])._parts(steps - 1)
        for keyword in ("allOf", "anyOf", "oneOf"):
            options = _schemas(self.schema.get(keyword))
            for option in options:
                found += Typed(option, self.document)._parts(steps // (len(options) + 1))
        return found

    def _members(self, key: str, steps: int) -> list[Any]:
        found: list[Any] = []
        parts = self._parts(steps)
        for part in parts:
            found.append(_mapping(part.get("properties")).get(key))
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
