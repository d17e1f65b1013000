"""LRU cache that makes the values it lacks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


@dataclass(slots=True, eq=False)
class LruCache(Generic[Key, Made]):
    """The *size* values last used, by key."""

    size: int
    _kept: OrderedDict[Key, Made] = field(default_factory=OrderedDict, init=False)

    def get(self, key: Key, make: Callable[[], Made]) -> Made:
        """Value of *key*, made by *make* if it is not cached."""
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        if len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return self._kept[key]
