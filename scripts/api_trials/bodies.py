"""Bodies that nobody should send: examples of the API, changed at random; and nonsense by schema.

Everything follows from one random number generator, so a trial can be had again by its seed.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 7.5, -0.0, 1e308, 2**31, 2**63, 2**64 - 1, -(2**63)),
    *("", "a", " ", "none", "auto", "\x00", "\u2028", "💥", "\\", '"', "a\r\nb: c", "x" * 5000),
    *([], [[]], [None], ["a"], [0], [{}], {}, {"": ""}, {"type": "object"}, {"type": []}),
    *({"type": "text"}, {"type": "function"}, {"name": "get_weather"}, {"$ref": "#"}),
)
BY_SCHEMA = 0.2  # of the bodies have members made from the schema
NAMES = ("", "x", "Type", "content ", "a.b", "$", "\n", "é", "temprature", "__class__", "messages")
TEXTS = ("root ::= ", "(" * 40, "[a-z]{0,2000}", "{% for x in y %}", "<tool_call>", "<|im_end|>")
FEW_TOKENS = {"max_tokens": 8, "max_completion_tokens": 8, "max_output_tokens": 16}


@dataclass(frozen=True, slots=True)
class Place:
    """Position of a value: in *holder*, at *key*."""

    holder: Any
    key: Any


def odd_bodies(
    example: dict[str, Any], schema: dict[str, Any], components: dict[str, Any], chance: Random
) -> Iterator[bytes]:
    """Bodies without end: mostly the *example* with a few changes, some made from the *schema*."""
    maker = Maker(components, chance)
    while True:
        body = copy.deepcopy(example)
        if chance.random() < BY_SCHEMA:
            body |= maker.members(schema)
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            _change(body, chance)
        yield _damaged(json.dumps(body, ensure_ascii=False).encode(), chance)


def bounded(example: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """*example* with a limit of tokens, by the name that the body has for it."""
    named = {name: count for name, count in FEW_TOKENS.items() if name in known}
    options = {"options": {"num_predict": 8}} if "options" in known else {}
    return example | dict(list(named.items())[:1]) | options


def _change(body: dict[str, Any], chance: Random) -> None:
    """One change at a random place."""
    places = list(_places(body))
    if not places:
        return
    place = chance.choice(places)
    changes: tuple[Callable[[Place, Random], None], ...] = (
        *(_replace, _replace, _replace),
        *(_remove, _add, _rename, _repeat, _nest, _retype),
    )
    chance.choice(changes)(place, chance)


def _places(value: Any) -> Iterator[Place]:
    items: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        items = iter(list(value.items()))
    elif isinstance(value, list):
        items = iter(list(enumerate(value)))
    for key, inner in items:
        yield Place(value, key)
        yield from _places(inner)


def _replace(place: Place, chance: Random) -> None:
    place.holder[place.key] = copy.deepcopy(chance.choice((*ODD, *TEXTS)))


def _remove(place: Place, _chance: Random) -> None:
    del place.holder[place.key]


def _add(place: Place, chance: Random) -> None:
    value = copy.deepcopy(chance.choice(ODD))
    if isinstance(place.holder, dict):
        place.holder[chance.choice(NAMES)] = value
    else:
        place.holder.append(value)


def _rename(place: Place, chance: Random) -> None:
    if isinstance(place.holder, dict):
        place.holder[chance.choice(NAMES)] = place.holder.pop(place.key)


def _repeat(place: Place, _chance: Random) -> None:
    place.holder[place.key] = [copy.deepcopy(place.holder[place.key]) for _ in range(40)]


def _nest(place: Place, chance: Random) -> None:
    value = place.holder[place.key]
    for _ in range(chance.choice((1, 3, 150, 250))):
        value = chance.choice(({"a": value}, [value]))
    place.holder[place.key] = value


def _retype(place: Place, _chance: Random) -> None:
    value = place.holder[place.key]
    place.holder[place.key] = json.dumps(value) if not isinstance(value, str) else [value]


def _damaged(raw: bytes, chance: Random) -> bytes:
    """*raw*, seldom with its bytes damaged."""
    match chance.randrange(40):
        case 0:
            return raw[: chance.randrange(len(raw) + 1)]
        case 1:
            at = chance.randrange(len(raw))
            return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 2:
            return raw.replace(b'"', b'"\\ud800', 1)
        case _:
            return raw


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes values that a schema describes, more or less."""

    components: dict[str, Any]
    chance: Random

    def members(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A few members of an object of *schema*."""
        resolved = self._resolved(schema)
        names = list(resolved.get("properties", {}))
        few = self.chance.sample(names, min(len(names), self.chance.randrange(4)))
        return {name: self.value(resolved["properties"][name]) for name in few}

    def value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value of *schema*."""
        chance, found = self.chance, self._resolved(schema)
        if depth > 6 or chance.random() < 0.05:  # noqa: PLR2004
            return copy.deepcopy(chance.choice(ODD))
        if "anyOf" in found:
            return self.value(chance.choice(found["anyOf"]), depth)
        if "enum" in found:
            return copy.deepcopy(chance.choice(found["enum"]))
        match found.get("type"):
            case "object":
                wanted = [
                    name
                    for name in found.get("properties", {})
                    if name in found.get("required", ()) or chance.random() < 0.3  # noqa: PLR2004
                ]
                return {name: self.value(found["properties"][name], depth + 1) for name in wanted}
            case "array":
                count = chance.randrange(4)
                return [self.value(found.get("items") or {}, depth + 1) for _ in range(count)]
            case "integer":
                return chance.choice((found.get("minimum", -3), found.get("maximum", 70), 1))
            case "number":
                return chance.choice((found.get("minimum", -1.5), found.get("maximum", 1.5), 0.5))
            case "boolean":
                return chance.random() < 0.5  # noqa: PLR2004
            case "string":
                return chance.choice(("", "a", "get_weather", *TEXTS))
            case _:
                return copy.deepcopy(chance.choice(ODD))

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            found: dict[str, Any] = self.components[schema["$ref"].rsplit("/", 1)[-1]]
            return found
        return schema
