"""JSON Schema, as written, to a tree of what it means.

Every keyword that narrows the values is either put into the tree or reported.  A malformed one
(``properties`` that is a list) counts as absent; a schema inside that is no schema allows any value
in its place.  Only a document that is no schema, or is too large, raises ``GrammarError``.

1. What stands beside each other in one schema all holds: the keywords of a type, ``enum``,
   ``$ref``, ``allOf``, ``anyOf`` are read one by one and then met.
2. A keyword of one type says nothing about values of another: ``{"minLength": 3}`` allows 5.
3. A ``$ref`` is read once and stays a reference in the tree.
4. A *closed* reader's objects are closed only when their rules are written: after everything that
   stands beside them has been met, and never where a schema is negated.
5. What ``unevaluatedProperties`` and ``unevaluatedItems`` speak of is what no tree says anything
   about after everything else has been met; so they come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gguf_fc.errors import GrammarError
from gguf_fc.grammar.schema.close import (
    close_array,
    close_object,
    closed_object,
    closed_options,
    described_types,
    kinds_of,
)
from gguf_fc.grammar.schema.intersect import Meeting
from gguf_fc.grammar.schema.known_values import text_of
from gguf_fc.grammar.schema.logic_keywords import COMBINING, Demand, Logic
from gguf_fc.grammar.schema.negate import Negation
from gguf_fc.grammar.schema.refs import Document, Place
from gguf_fc.grammar.schema.tree import (
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
from gguf_fc.grammar.schema.type_keywords import Site, read_kind
from gguf_fc.grammar.schema.well_formed import is_schema, well_formed

_MAX_LEVELS = 160  # of brackets in a schema: beyond it nothing is read
_MAX_SIZE = 500_000  # JSON values in a schema
_MAX_LETTERS = 5_000_000  # of all its texts
_MAX_DEPTH = 40  # of schemas in schemas: beyond it any value is allowed
_MAX_VALUES = 20_000  # of an enum

_TYPES: dict[str, Kind] = {
    "null": Null(),
    "boolean": Boolean(),
    "number": Number(),
    "integer": Number(integer=True),
    "string": String(),
    "array": Array(),
    "object": Object(),
}

# Narrowing keywords of older drafts that no part of the tree holds.
_UNENFORCED = ("$recursiveRef", "extends", "disallow", "divisibleBy")


@dataclass(slots=True, eq=False)
class SchemaReader:
    """Reads one document; collects its definitions and what had to be loosened.

    *closed*: an object has no members but those that its schema knows, unless it speaks of others.
    """

    document: Document
    closed: bool = False
    report: dict[Loosened, None] = field(default_factory=dict)
    meeting: Meeting = field(init=False)
    negation: Negation = field(init=False)
    _logic: Logic = field(init=False)
    _definitions: dict[str, Schema] = field(default_factory=dict, init=False)
    _inexact: set[str] = field(default_factory=set, init=False)  # definitions that lost something
    _places: dict[str, Place] = field(default_factory=dict, init=False)
    _reading: set[str] = field(default_factory=set, init=False)
    _depth: int = field(default=0, init=False)
    _losses: int = field(default=0, init=False)
    _path: str = field(init=False)

    def __post_init__(self) -> None:
        self._path = self.document.path
        self.meeting = Meeting(
            self.definition, lambda reason: self.loosen(self._path, "allOf", reason)
        )
        self.negation = Negation(self._exact_definition, self.meeting.meet)
        self._logic = Logic(self.meeting, self.negation)

    def read(self, raw: Any, path: str) -> Schema:
        """The document, a part of it, or a schema that refers to it.

        Raises GrammarError if it is no schema, or too large a one.
        """
        if not is_schema(raw):
            raise GrammarError(f"{path} must be a schema: an object, true or false")
        _require_bounded(self.document.root, self.document.path)
        if raw is not self.document.root:
            _require_bounded(raw, path)
        return self._read(raw, path)

    def read_root(self, raw: Any, path: str) -> Schema:
        """The schema of a whole value; a *closed* one is of a type the schema says something of."""
        tree = self.read(raw, path)
        return described_types(self.meeting, tree) if self.closed else tree

    def held_options(self, options: Sequence[Schema]) -> Sequence[Schema]:
        """Alternatives among the *options* that the grammar holds."""
        return closed_options(options) if self.closed else options

    def held_object(self, found: Object, path: str) -> Object:
        """*found* as the grammar holds it: closed if that is wanted and leaves it satisfiable."""
        shut = closed_object(found) if self.closed else found
        if isinstance(shut, Object):
            return shut
        reason = "it stays open: no object is valid with the declared members alone"
        self.loosen(path, "additionalProperties", reason)
        return found

    def definition(self, ref: Ref) -> Schema:
        """Definition that *ref* stands for, read when asked for: never itself a reference."""
        key = ref.key
        if key not in self._definitions:
            if key in self._reading:
                self.loosen(self.document.path, "$ref", "it refers to nothing but itself")
                return ANYTHING
            self._reading.add(key)
            depth, self._depth, before = self._depth, 0, self._losses
            self._definitions[key] = self._define(key)
            self._depth = depth
            self._reading.discard(key)
            if self._losses != before:
                self._inexact.add(key)
        elif key in self._inexact:
            self._losses += 1  # whoever looks into it now loses what was lost then
        return self._definitions[key]

    def _exact_definition(self, ref: Ref) -> Schema | None:
        if ref.key in self._reading:
            return None
        found = self.definition(ref)
        return None if ref.key in self._inexact else found

    def loosen(self, path: str, keyword: str, reason: str) -> None:
        """Note that *keyword* is not enforced."""
        self.report[Loosened(path, keyword, reason)] = None
        self._losses += 1

    def _define(self, key: str) -> Schema:
        if key in self.meeting.pairs:
            a, b = (self.meeting.resolved(schema) for schema in self.meeting.pairs[key])
            return self.meeting.resolved(self.meeting.meet(a, b))
        return self.meeting.resolved(self._read(*self._places[key]))

    def _read(self, raw: Any, path: str) -> Schema:
        if isinstance(raw, bool):
            return ANYTHING if raw else NOTHING
        if not isinstance(raw, dict):
            self.loosen(path, "schema", "a schema must be an object, true or false")
            return ANYTHING
        if self._depth >= _MAX_DEPTH:
            self.loosen(path, "", f"schemas in schemas, more than {_MAX_DEPTH} deep")
            return ANYTHING
        self._depth += 1
        before = self._losses
        kept = well_formed(raw, partial(self.loosen, path))
        site = Site(kept, raw, path, self._read, self.loosen, self.meeting, lambda: self._losses)
        found: Schema = ANYTHING
        for part in self._parts(site):
            found = self._with(site, found, part)
        found = self._closed(site, found, lost=self._losses != before)
        self._depth -= 1
        return found

    def _with(self, site: Site, found: Schema, part: Demand) -> Schema:
        """*found*, narrowed by one more keyword."""
        if found == ANYTHING and part.schema != NOTHING:
            return part.schema  # nothing to intersect with
        self._path = site.path
        if not self.meeting.can_meet(found, part.schema):
            site.loosen(part.keyword, "there are too many alternatives to combine")
            return found
        met = self.meeting.meet(found, part.schema)
        if met == NOTHING and part.instead is not None:
            # A common mistake: several branches hold whatever the value, and nothing is valid.
            met = self.meeting.meet(found, part.instead)
            if met != NOTHING:
                site.loosen(part.keyword, "no value is valid under one branch only")
        return met

    def _parts(self, site: Site) -> Iterator[Demand]:
        """Demands of each group of keywords."""
        raw = site.raw
        if "$ref" in raw and self.document.is_old:
            yield Demand("$ref", self._reference(site, "$ref"))
            return
        for keyword in _UNENFORCED:
            if keyword in raw:
                site.loosen(keyword, "not enforced by the grammar")
        yield Demand("type", self._own(site))
        if "enum" in raw:
            yield Demand("enum", _values(site, "enum", raw["enum"]))
        if "const" in raw:
            yield Demand("const", _values(site, "const", [raw["const"]]))
        for keyword in ("$ref", "$dynamicRef"):
            if keyword in raw:
                yield Demand(keyword, self._reference(site, keyword))
        if raw.keys() & COMBINING:
            yield from self._logic.parts(site)

    def _own(self, site: Site) -> Schema:
        """The type and its keywords."""
        return any_of(*(read_kind(kind, site) for kind in _kinds(site)))

    def _reference(self, site: Site, keyword: str) -> Schema:
        ref = site.raw[keyword]
        find = self.document.find if keyword == "$ref" else self.document.dynamic
        place = find(ref, site.written)
        if place is None:
            site.loosen(keyword, f"{ref!r} is not in this document")
            return ANYTHING
        self._places[place.path] = place
        return Ref(place.path)

    def _closed(self, site: Site, found: Schema, *, lost: bool) -> Schema:
        """*found*, with what the ``unevaluated`` keywords say of what nothing else looked at.

        If something was *lost* on the way here, it might have looked.
        """
        for keyword, close in (
            ("unevaluatedProperties", close_object),
            ("unevaluatedItems", close_array),
        ):
            if keyword in site.raw and lost:
                site.loosen(keyword, "what is loosened beside it may have looked at more")
            elif keyword in site.raw:
                other = site.inside(keyword)
                options = [*kinds_of(self.meeting, found)]
                if any(isinstance(option, Values) for option in options) and other != ANYTHING:
                    site.loosen(keyword, "not enforced on known values")
                found = any_of(*(close(self.meeting.meet, option, other) for option in options))
        return found


def _kinds(site: Site) -> list[Kind]:
    """The types a value may have."""
    names = site.raw.get("type", "any")
    names = names if isinstance(names, list) else [names]
    if "any" in names:
        return list(KINDS)
    found = [_TYPES[name] for name in names]
    if Number() in found:
        found = [kind for kind in found if kind != Number(integer=True)]
    if site.raw.get("nullable") is True and Null() not in found:
        found.append(Null())  # as OpenAPI 3.0 writes it
    return found


def _values(site: Site, keyword: str, values: list[Any]) -> Schema:
    if len(values) > _MAX_VALUES:
        raise site.wrong(keyword, f"an array of at most {_MAX_VALUES} values")
    try:
        texts = dict.fromkeys(map(text_of, values))
    except (TypeError, ValueError) as error:
        site.loosen(keyword, f"it counts as absent: it must be made of JSON values ({error})")
        return ANYTHING
    return Values(tuple(texts)) if texts else NOTHING


def _require_bounded(raw: Any, path: str) -> None:
    """Refuse what is too deep or too large to be read in reasonable time."""
    level, size, letters = [raw], 0, 0
    for _ in range(_MAX_LEVELS):
        size += len(level)
        letters += sum(len(text) for text in level if isinstance(text, str))
        if size > _MAX_SIZE or letters > _MAX_LETTERS:
            limit = f"{_MAX_SIZE} values and {_MAX_LETTERS} characters"
            raise GrammarError(f"{path}: a schema may hold at most {limit}")
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
