"""What was made last is kept, the rest is made again."""

from __future__ import annotations

from gguf_fc.engine.constrain.lru import LruCache


def test_the_last_used_are_kept() -> None:
    made: list[str] = []
    recent: LruCache[str, str] = LruCache(2)

    def get(key: str) -> str:
        def make() -> str:
            made.append(key)
            return key.upper()

        return recent.get(key, make)

    assert [get(key) for key in "abab"] == ["A", "B", "A", "B"]
    assert made == ["a", "b"]
    get("a")
    get("c")  # b was used longest ago
    get("a")
    get("b")
    assert made == ["a", "b", "c", "b"]
