"""Schemas with what ``$ref`` points to in its place, for templates that show no definitions.

What contains itself is written once, and named where it comes again.  A schema that would grow
beyond measure, because its definitions name each other many times over, is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from gguf_fc.dialect.prompt.tools.tool_schemas import mapped, subschemas

_Json = dict[str, Any]
_DEFINITIONS = ("$defs", "definitions")
_NOTES = frozenset({"description", "title", "default", "examples", "deprecated", "$comment"})
_MOST_GROWTH = 10  # schemas, for each that is written
_FEW = 200  # that may always be written


class _TooLarge(Exception):
    """The schema grows beyond measure."""


def inlined(schema: _Json) -> _Json:
    """*schema* with its own definitions in the places that refer to them."""
    if not has_references(schema):
        return schema
    most = max(_FEW, _MOST_GROWTH * _count(schema))
    try:
        found: _Json = _Inliner(schema, most).written(schema)
    except _TooLarge:
        return schema
    return found


def has_references(schema: _Json) -> bool:
    """True if a ``$ref`` stands anywhere in *schema*."""
    return isinstance(schema.get("$ref"), str) or any(map(has_references, subschemas(schema)))


def reference_steps(schema: Any) -> frozenset[str]:
    """Names of all the steps by which references within *schema* lead to what they mean."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found.update(_steps(value.get("$ref")))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return frozenset(found)


def _steps(reference: Any) -> list[str]:
    """Keys on the way from the document to what *reference* points to; none if it is foreign."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return []
    steps = filter(None, unquote(reference[1:]).split("/"))
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]


def _count(schema: _Json) -> int:
    return 1 + sum(map(_count, subschemas(schema)))


@dataclass(slots=True)
class _Inliner:
    document: _Json
    left: int  # schemas that may still be written
    _open: list[str] = field(default_factory=list)  # references that are being written

    def written(self, schema: Any) -> Any:
        """A part of the document, without references."""
        if not isinstance(schema, dict):
            return schema
        self.left -= 1
        if self.left < 0:
            raise _TooLarge
        own = {
            keyword: mapped(keyword, value, self.written)
            for keyword, value in schema.items()
            if keyword not in _DEFINITIONS and keyword != "$ref"
        }
        reference = schema.get("$ref")
        if reference is None:
            return own
        target = self._target(reference)
        if target is None:
            return {**own, "$ref": reference}
        name = reference.rpartition("/")[2]
        if reference in self._open:
            again = f"Another {name}." if name != "#" else "The same again."
            kind = {"type": target["type"]} if "type" in target else {}
            return {**kind, "description": again, **own}
        self._open.append(reference)
        found = self.written(target)
        self._open.pop()
        return {**found, **own} if own.keys() <= _NOTES else _both(found, own)

    def _target(self, reference: Any) -> _Json | None:
        """The schema of this document that *reference* points to."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        at: Any = self.document
        for key in _steps(reference):
            if isinstance(at, list) and key.isdigit() and int(key) < len(at):
                at = at[int(key)]
            elif isinstance(at, dict) and key in at:
                at = at[key]
            else:
                return None
        return at if isinstance(at, dict) else None


def _both(found: _Json, own: _Json) -> _Json:
    """The schema *found* behind a reference and its *own* keywords beside it."""
    notes = {keyword: own[keyword] for keyword in own if keyword in _NOTES}
    rest = {keyword: own[keyword] for keyword in own if keyword not in _NOTES}
    if not rest.keys() & found.keys():
        return {**found, **own}
    return {**notes, "allOf": [found, rest]}
