"""Finding what a ``$ref`` points at inside one schema document.

Knows JSON pointers, anchors and the ``$id`` of parts of the document; fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin


@dataclass(slots=True, eq=False)
class Document:
    """A schema with the places in it that have a name of their own."""

    root: Any
    path: str
    _named: dict[str, tuple[Any, str]] | None = field(default=None, init=False)

    def find(self, ref: str) -> tuple[Any, str] | None:
        """The schema that *ref* means and its path; None where this document does not have it."""
        address, _, fragment = ref.partition("#")
        base: tuple[Any, str] | None = (self.root, self.path)
        if address:
            base = self._by_name(address)
        if base is None or not fragment:
            return base
        if fragment.startswith("/"):
            return _follow(base, fragment)
        return self._by_name(f"{address}#{fragment}")

    def _by_name(self, name: str) -> tuple[Any, str] | None:
        if self._named is None:
            self._named = dict(_names(self.root, self.path))
        own = _identifier(self.root)
        return self._named.get(name) or self._named.get(urljoin(own, name))


def step(path: str, key: str | int) -> str:
    """*path* with one more step."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    plain = key.replace("_", "a").replace("$", "a").replace("-", "a")
    return f"{path}.{key}" if plain.isalnum() else f"{path}[{key!r}]"


def _follow(base: tuple[Any, str], pointer: str) -> tuple[Any, str] | None:
    node, path = base
    for part in pointer.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node, path = node[key], step(path, key)
        elif isinstance(node, list) and key.isdecimal() and int(key) < len(node):
            node, path = node[int(key)], step(path, int(key))
        else:
            return None
    return node, path


def _names(root: Any, root_path: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    """Every ``$id`` (as written, and made absolute) and ``$anchor`` with its place."""
    waiting: list[tuple[Any, str, str]] = [(root, root_path, "")]
    while waiting:
        node, path, base = waiting.pop()
        if isinstance(node, dict):
            place = (node, path)
            if own := _identifier(node):
                yield own, place
                if not own.startswith("#"):
                    base = urljoin(base, own)
                    yield base.partition("#")[0], place
            if isinstance(anchor := node.get("$anchor"), str):
                yield f"#{anchor}", place
                yield f"{base.partition('#')[0]}#{anchor}", place
            waiting.extend((inner, step(path, key), base) for key, inner in node.items())
        elif isinstance(node, list):
            waiting.extend((inner, step(path, at), base) for at, inner in enumerate(node))


def _identifier(node: Any) -> str:
    if not isinstance(node, dict):
        return ""
    found = node.get("$id", node.get("id"))
    return found if isinstance(found, str) else ""
