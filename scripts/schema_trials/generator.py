"""Random JSON Schemas: every keyword, alone and on top of others, often at odds with each other.

Sizes are small, so that a model that writes at random comes to an end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Schema = dict[str, Any] | bool
T = TypeVar("T")

NAMES = ("a", "b", "ab", "city", "größe", 'q"t', "x\ny", "", "type", "nullable", "$ref", "a/b~c")
WORDS = (
    "",
    "a",
    "ab",
    "red",
    "größe",
    'q"t',
    "\\",
    "\n",
    "😀",
    "null",
    "</tool_call>",
    "<|im_end|>",
)
FORMATS = (
    *("date", "time", "date-time", "duration", "uuid", "email", "hostname", "ipv4", "ipv6", "uri"),
    *("uri-reference", "json-pointer", "regex", "int32", "made-up"),
)
PATTERNS = (
    *("^[a-z]{2,4}$", "^a", "b$", "[0-9]{3}", r"^\d{4}-\d{2}$", r"^(red|green)$", r"^\w+@\w+$"),
    *("^[^x]*$", r"^\S{1,3}$", r"^(?=a)[a-c]{1,3}$", r"^[^\n]{0,4}$", r"^a?b+c{2}$"),
)
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
ANY_OR_NONE: tuple[Schema, ...] = (True, False, {})
SMALLEST: tuple[Schema, ...] = ({"type": "null"}, {"type": "boolean"}, {"const": 1})
DEEPEST = 4


class Generator:
    """Schemas from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  not for secrets
        self._definitions: dict[str, Schema] = {}

    def schema(self) -> Schema:
        """One schema; often of an object, as tools have them."""
        self._definitions = {}
        found = self._object(0) if self._chance(0.6) else self._any(0)
        if self._definitions and isinstance(found, dict):
            found = {**found, "$defs": self._definitions}
        return found

    def _any(self, depth: int) -> Schema:
        if self._chance(0.03):
            return self._pick(ANY_OR_NONE)
        if depth >= DEEPEST:
            return self._pick(SMALLEST)
        kinds: tuple[tuple[int, Callable[[int], Schema]], ...] = (
            *((3, self._string), (3, self._number), (1, self._simple), (2, self._values)),
            *((2, self._array), (3, self._object), (2, self._combined), (1, self._reference)),
            *((1, self._mixed), (1, self._conditional)),
        )
        makers = [make for _, make in kinds]
        return self._random.choices(makers, [weight for weight, _ in kinds])[0](depth)

    def _simple(self, _depth: int) -> Schema:
        return {"type": self._pick(("null", "boolean"))}

    def _values(self, _depth: int) -> Schema:
        if self._chance(0.3):
            return {"const": self._value(0)}
        return {"enum": [self._value(0) for _ in range(self._random.randint(1, 4))]}

    def _value(self, depth: int) -> Any:
        simple = (None, True, False, 0, 1, -3, 2.5, 1e300, 10**20, *WORDS)
        if depth > 1 or self._chance(0.8):
            return self._pick(simple)
        if self._chance(0.5):
            return [self._value(depth + 1) for _ in range(self._random.randint(0, 2))]
        return {self._pick(NAMES): self._value(depth + 1)}

    def _string(self, _depth: int) -> Schema:
        schema: dict[str, Any] = {"type": "string"}
        if self._chance(0.2):
            schema["minLength"] = self._random.randint(0, 4)
        if self._chance(0.7):
            schema["maxLength"] = self._random.randint(0, 6)
        if self._chance(0.2):
            schema["pattern"] = self._pick(PATTERNS)
        if self._chance(0.2):
            schema["format"] = self._pick(FORMATS)
        return schema

    def _number(self, _depth: int) -> Schema:
        schema: dict[str, Any] = {"type": self._pick(("integer", "number"))}
        for bound in BOUNDS:
            if self._chance(0.4):
                schema[bound] = self._pick((0, 1, -1, 5, 100, -7, 0.5, -2.25, 1e-7, 12345, 10**18))
        if self._chance(0.15):
            schema["multipleOf"] = self._pick((1, 2, 5, 0.5, 0.01, 7))
        return schema

    def _array(self, depth: int) -> Schema:
        schema: dict[str, Any] = {"type": "array", "maxItems": self._random.randint(0, 3)}
        if self._chance(0.8):
            schema["items"] = self._any(depth + 1)
        if self._chance(0.2):
            schema["prefixItems"] = self._several(depth, 1, 2)
        if self._chance(0.3):
            schema["minItems"] = self._random.randint(0, 3)
        if self._chance(0.1):
            schema["uniqueItems"] = True
        if self._chance(0.1):
            schema["contains"] = self._any(depth + 1)
        return schema

    def _object(self, depth: int) -> Schema:
        names = self._random.sample(NAMES, self._random.randint(0, 4))
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: self._any(depth + 1) for name in names},
        }
        if self._chance(0.6):
            known = names if self._chance(0.9) else NAMES
            schema["required"] = [name for name in known if self._chance(0.6)]
        if self._chance(0.8):
            schema["additionalProperties"] = False
        elif self._chance(0.5):
            schema["additionalProperties"] = self._any(depth + 1)
        if self._chance(0.1):
            schema["patternProperties"] = {self._pick(PATTERNS): self._any(depth + 1)}
        if self._chance(0.1):
            schema["propertyNames"] = self._string(depth)
        if self._chance(0.15):
            schema[self._pick(("minProperties", "maxProperties"))] = self._random.randint(0, 3)
        if names and self._chance(0.1):
            schema["dependentRequired"] = {self._pick(names): [self._pick(NAMES)]}
        return schema

    def _combined(self, depth: int) -> Schema:
        combined = {self._pick(("anyOf", "oneOf", "allOf")): self._several(depth, 1, 3)}
        beside = self._any(depth + 1) if self._chance(0.3) else {}
        return {**beside, **combined} if isinstance(beside, dict) else combined

    def _conditional(self, depth: int) -> Schema:
        if self._chance(0.5):
            return {"not": self._any(depth + 1), **self._typed()}
        parts = {key: self._any(depth + 1) for key in ("if", "then", "else") if self._chance(0.8)}
        return {**parts, **self._typed()}

    def _mixed(self, depth: int) -> Schema:
        """Keywords of several types on one schema."""
        parts = [self._string(depth), self._number(depth), self._array(depth), self._object(depth)]
        mixed: dict[str, Any] = {}
        for part in self._random.sample(parts, 2):
            mixed.update(part if isinstance(part, dict) else {})
        return {**mixed, "type": self._random.sample(TYPES, self._random.randint(1, 3))}

    def _reference(self, depth: int) -> Schema:
        """To a definition made before, perhaps around this place, or to a new one."""
        if not self._definitions or self._chance(0.4):
            name = f"d{len(self._definitions)}"
            self._definitions[name] = True
            self._definitions[name] = self._any(depth + 1)
        target = f"#/$defs/{self._pick(tuple(self._definitions))}"
        beside = self._any(depth + 1) if self._chance(0.1) else {}
        return {**(beside if isinstance(beside, dict) else {}), "$ref": target}

    def _typed(self) -> dict[str, Any]:
        return {"type": self._pick(TYPES)} if self._chance(0.7) else {}

    def _several(self, depth: int, least: int, most: int) -> list[Schema]:
        return [self._any(depth + 1) for _ in range(self._random.randint(least, most))]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _pick(self, options: Sequence[T]) -> T:
        return self._random.choice(options)
