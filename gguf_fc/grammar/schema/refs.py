"""Finding what a ``$ref`` points at inside one schema document.

Knows JSON pointers, anchors, and that the ``$id`` of a part of the document changes what the
references in it are relative to; fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin

from gguf_fc.grammar.schema.tree import step

_MAPS = {
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
}
_DATA = {"const", "default", "enum", "example", "examples"}  # where an ``$id`` is only data

_OLD = ("draft-03", "draft-04", "draft-05", "draft-06", "draft-07")


class Place(NamedTuple):
    """A schema and where it stands."""

    raw: Any
    path: str


class _Visit(NamedTuple):
    """A part of the document on the way through it."""

    raw: Any
    route: tuple[Any, str | int] | None  # the route of what is around it, and the step from there
    base: str
    named: bool  # its keys are names, not keywords


@dataclass(slots=True, eq=False)
class Document:
    """A schema with the places in it that have a name of their own."""

    root: Any
    path: str
    _named: dict[str, Place] = field(default_factory=dict, init=False)
    _dynamic: dict[str, list[Place]] = field(default_factory=dict, init=False)
    _bases: dict[int, str] = field(default_factory=dict, init=False)  # by the id of the part
    _indexed: bool = field(default=False, init=False)

    @property
    def is_old(self) -> bool:
        """True if it is of a draft in which a ``$ref`` is all that a schema says."""
        draft = self.root.get("$schema") if isinstance(self.root, dict) else None
        return isinstance(draft, str) and any(name in draft for name in _OLD)

    def find(self, ref: str, where: Any) -> Place | None:
        """The schema that *ref* means in *where*, a part of this document; None if it is not here.

        A name is looked for as written, too: many schemas say their ``$id`` and refer to others
        as if they had not.
        """
        self._index()
        base = self._bases.get(id(where), _without_fragment(_identifier(self.root)))
        address, _, fragment = ref.partition("#")
        absolute = _without_fragment(urljoin(base, address)) if address else base
        for resource in (absolute, address) if address else (absolute,):
            start = Place(self.root, self.path) if resource == "" else self._named.get(resource)
            if start is None:
                continue
            if not fragment:
                return start
            if fragment.startswith("/"):
                return _follow(start, fragment) or _follow(Place(self.root, self.path), fragment)
            return self._named.get(f"{resource}#{unquote(fragment)}")
        return self._named.get(ref)

    def dynamic(self, ref: str, where: Any) -> Place | None:
        """Target of a ``$dynamicRef``: None where that depends on how it was come by."""
        found = self.find(ref, where)
        anchor = ref.partition("#")[2]
        if found is None or anchor.startswith("/"):
            return found
        if not isinstance(found.raw, dict) or found.raw.get("$dynamicAnchor") != anchor:
            return found
        return found if len(self._dynamic.get(anchor, ())) == 1 else None

    def _index(self) -> None:
        """Note every ``$id``, every anchor, and the base of what stands under another ``$id``."""
        if self._indexed:
            return
        self._indexed = True
        own = _without_fragment(_identifier(self.root))
        self._named[own] = Place(self.root, self.path)
        waiting = [_Visit(self.root, None, own, named=False)]
        while waiting:
            visit = waiting.pop()
            if isinstance(visit.raw, dict):
                base = visit.base if visit.named else self._note(visit)
                if base != own:
                    self._bases[id(visit.raw)] = base
                waiting.extend(_below(visit, base))
            elif isinstance(visit.raw, list):
                waiting.extend(
                    _Visit(inner, (visit.route, at), visit.base, named=False)
                    for at, inner in enumerate(visit.raw)
                )

    def _note(self, visit: _Visit) -> str:
        """The base inside a schema object, whose names are noted."""
        base, raw = visit.base, visit.raw
        identifier = "" if self.is_old and "$ref" in raw else _identifier(raw)
        anchors = [raw.get("$anchor"), raw.get("$dynamicAnchor")]
        if identifier.startswith("#"):
            anchors.append(identifier[1:])
        elif identifier:
            base = _without_fragment(urljoin(base, identifier))
            place = Place(raw, self._path_of(visit.route))
            self._named.setdefault(base, place)
            self._named.setdefault(identifier, place)
        for anchor in anchors:
            if isinstance(anchor, str):
                self._named[f"{base}#{anchor}"] = Place(raw, self._path_of(visit.route))
        if isinstance(name := raw.get("$dynamicAnchor"), str):
            self._dynamic.setdefault(name, []).append(Place(raw, self._path_of(visit.route)))
        return base

    def _path_of(self, route: tuple[Any, str | int] | None) -> str:
        steps: list[str | int] = []
        while route is not None:
            route, key = route
            steps.append(key)
        path = self.path
        for key in reversed(steps):
            path = step(path, key)
        return path


def _below(visit: _Visit, base: str) -> Iterator[_Visit]:
    for key, inner in visit.raw.items():
        if isinstance(inner, dict | list) and (visit.named or key not in _DATA):
            named = not visit.named and key in _MAPS
            yield _Visit(inner, (visit.route, key), base, named=named)


def _follow(start: Place, pointer: str) -> Place | None:
    node, path = start
    for part in pointer.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node, path = node[key], step(path, key)
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node, path = node[int(key)], step(path, int(key))
        else:
            return None
    return Place(node, path)


def _identifier(node: Any) -> str:
    if not isinstance(node, dict):
        return ""
    found = node.get("$id", node.get("id"))
    return found if isinstance(found, str) else ""


def _without_fragment(address: str) -> str:
    return address.partition("#")[0]
