"""JSON Schema, as written, to a tree of what it means.

Every keyword that narrows the values is either put into the tree or reported.  A schema that is
no schema at all (``properties`` that is a list) raises ``GrammarError`` with its path; one that
asks for more than a grammar can hold is loosened and says so.

1. What stands beside each other in one schema all holds: the keywords of a type, ``enum``,
   ``$ref``, ``allOf``, ``anyOf`` are read one by one and then met.
2. A keyword of one type says nothing about values of another: ``{"minLength": 3}`` allows 5.
3. A ``$ref`` is read once and stays a reference in the tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.gbnf.schema_kinds import Site, read_kind
from gguf_fc.gbnf.schema_meet import Meeting
from gguf_fc.gbnf.schema_refs import Document
from gguf_fc.gbnf.schema_tree import (
    ANYTHING,
    KINDS,
    NOTHING,
    Array,
    Boolean,
    Kind,
    Loosened,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    String,
    Values,
    any_of,
)

_MAX_LEVELS = 160  # of brackets in a schema: beyond it nothing is read
_MAX_SIZE = 500_000  # JSON values in a schema
_MAX_DEPTH = 40  # of schemas in schemas: beyond it any value is allowed
_MAX_COMPARED = 40  # branches of a oneOf that are compared with each other

_TYPES: dict[str, Kind] = {
    "null": Null(),
    "boolean": Boolean(),
    "number": Number(),
    "integer": Number(integer=True),
    "string": String(),
    "array": Array(),
    "object": Object(),
}

# Narrowing keywords that no part of the tree holds yet, whatever the type.
_UNENFORCED = ("not", "if", "$dynamicRef", "$recursiveRef", "extends", "disallow")


@dataclass(slots=True, eq=False)
class SchemaReader:
    """Reads one document; collects its definitions and what had to be loosened."""

    document: Document
    report: dict[Loosened, None] = field(default_factory=dict)
    _meeting: Meeting = field(init=False)
    _definitions: dict[str, Schema] = field(default_factory=dict, init=False)
    _places: dict[str, tuple[Any, str]] = field(default_factory=dict, init=False)
    _reading: set[str] = field(default_factory=set, init=False)
    _depth: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._meeting = Meeting(
            self.definition, lambda reason: self.loosen(self.document.path, "allOf", reason)
        )

    def root(self) -> Schema:
        """The whole document."""
        _require_bounded(self.document.root, self.document.path)
        return self._read(self.document.root, self.document.path)

    def read(self, raw: Any, path: str) -> Schema:
        """A part of the document, or a schema that refers to it."""
        _require_bounded(raw, path)
        return self._read(raw, path)

    def definition(self, ref: Ref) -> Schema:
        """What *ref* stands for: never itself a reference, and read only when asked for."""
        key = ref.key
        if key not in self._definitions:
            if key in self._reading:
                self.loosen(self.document.path, "$ref", "it refers to nothing but itself")
                return ANYTHING
            self._reading.add(key)
            depth, self._depth = self._depth, 0
            self._definitions[key] = self._define(key)
            self._depth = depth
            self._reading.discard(key)
        return self._definitions[key]

    def _define(self, key: str) -> Schema:
        if key in self._meeting.pairs:
            a, b = (self._resolved(schema) for schema in self._meeting.pairs[key])
            return self._resolved(self._meeting.meet(a, b))
        return self._resolved(self._read(*self._places[key]))

    def _resolved(self, schema: Schema) -> Schema:
        return self.definition(schema) if isinstance(schema, Ref) else schema

    def _read(self, raw: Any, path: str) -> Schema:
        if isinstance(raw, bool):
            return ANYTHING if raw else NOTHING
        if not isinstance(raw, dict):
            raise GrammarError(f"{path} must be a schema: an object, true or false")
        if self._depth >= _MAX_DEPTH:
            self.loosen(path, "", f"schemas in schemas, more than {_MAX_DEPTH} deep")
            return ANYTHING
        self._depth += 1
        found: Schema = ANYTHING
        for part in self._parts(Site(raw, path, self._read, self.loosen)):
            found = self._meeting.meet(found, part)
        self._depth -= 1
        return found

    def _parts(self, site: Site) -> Iterator[Schema]:
        """What each group of keywords allows."""
        raw = site.raw
        for keyword in _UNENFORCED:
            if keyword in raw:
                site.loosen(keyword, "not enforced by the grammar")
        yield self._own(site)
        if "enum" in raw:
            yield _values(site, "enum", raw["enum"])
        if "const" in raw:
            yield _values(site, "const", [raw["const"]])
        if "$ref" in raw:
            yield self._reference(site)
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in raw:
                yield from self._combined(site, keyword)

    def _own(self, site: Site) -> Schema:
        """The type and its keywords."""
        kinds = self._kinds(site)
        if kinds is None:
            return ANYTHING
        read = [read_kind(kind, site) for kind in kinds]
        return ANYTHING if tuple(read) == KINDS else any_of(*read)

    def _kinds(self, site: Site) -> list[Kind] | None:
        """The types a value may have; None where the schema names one that does not exist."""
        names = site.raw.get("type")
        if names is None:
            return list(KINDS)
        found: list[Kind] = []
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str):
                raise site.wrong("type", "the name of a type, or an array of them")
            if name == "any" or name not in _TYPES:
                if name != "any":
                    site.loosen("type", f"{name!r} is not a type of JSON Schema")
                return None
            found.append(_TYPES[name])
        if Number() in found:
            found = [kind for kind in found if kind != Number(integer=True)]
        return found

    def _reference(self, site: Site) -> Schema:
        ref = site.raw["$ref"]
        if not isinstance(ref, str):
            raise site.wrong("$ref", "a string")
        place = self.document.find(ref)
        if place is None:
            site.loosen("$ref", f"{ref!r} is not in this document")
            return ANYTHING
        self._places[place[1]] = place
        return Ref(place[1])

    def _combined(self, site: Site, keyword: str) -> Iterator[Schema]:
        branches = site.raw[keyword]
        if not isinstance(branches, list):
            raise site.wrong(keyword, "an array of schemas")
        if not branches:
            return
        read = [site.inside(keyword, at) for at in range(len(branches))]
        if keyword == "allOf":
            yield from read
            return
        if keyword == "oneOf" and not self._exclusive(read):
            site.loosen("oneOf", "a value may be valid under more than one branch")
        yield any_of(*read)

    def _exclusive(self, branches: list[Schema]) -> bool:
        """Whether it is plain that no value is valid under two of the branches."""
        if len(branches) > _MAX_COMPARED:
            return False
        return all(self._meeting.disjoint(a, b) for a, b in combinations(branches, 2))

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        self.report[Loosened(path, keyword, reason)] = None


def _values(site: Site, keyword: str, values: Any) -> Schema:
    if not isinstance(values, list):
        raise site.wrong(keyword, "an array")
    try:
        texts = dict.fromkeys(json.dumps(v, ensure_ascii=False, allow_nan=False) for v in values)
    except (TypeError, ValueError) as error:
        raise site.wrong(keyword, f"made of JSON values ({error})") from error
    return Values(tuple(texts)) if texts else NOTHING


def _require_bounded(raw: Any, path: str) -> None:
    """Refuse what is too deep or too large to be read in reasonable time."""
    level, size = [raw], 0
    for _ in range(_MAX_LEVELS):
        size += len(level)
        if size > _MAX_SIZE:
            raise GrammarError(f"{path}: a schema may hold at most {_MAX_SIZE} values")
        containers = [node for node in level if isinstance(node, dict | list)]
        if not all(isinstance(key, str) for node in containers for key in _keys(node)):
            raise GrammarError(f"{path}: the names in a schema must be strings")
        if not containers:
            return
        level = [
            inner
            for node in containers
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
    raise GrammarError(f"{path}: a schema may be nested at most {_MAX_LEVELS} levels deep")


def _keys(node: Any) -> Iterator[Any]:
    return iter(node if isinstance(node, dict) else ())
