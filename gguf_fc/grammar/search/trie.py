"""Prefix tree (trie) of texts, each given as its pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Trie:
    """The texts that go on from here."""

    after: dict[str, Trie] = field(default_factory=dict)
    ends: bool = False  # one of the texts is complete here

    @classmethod
    def of(cls, texts: Iterable[tuple[str, ...]]) -> Trie:
        """The tree of *texts*, each given as its pieces."""
        root = cls()
        for text in texts:
            at = root
            for piece in text:
                at = at.after.setdefault(piece, cls())
            at.ends = True
        return root

    def downwards(self) -> list[tuple[Trie, int]]:
        """Every node after the one above it, with its depth."""
        order = [(self, 0)]
        for node, depth in order:
            order.extend((below, depth + 1) for below in node.after.values())
        return order
