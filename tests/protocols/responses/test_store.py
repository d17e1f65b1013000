"""What is kept of responses, and its limits."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gguf_fc.protocols.responses.items import MessageItem
from gguf_fc.protocols.responses.store import ResponseStore, Stored, stored


def message(id_: str, text: str = "x") -> MessageItem:
    return MessageItem(id=id_, role="user", content=text)


def response(name: str, text: str = "x", before: Stored | None = None) -> Stored:
    """A response that answers one message with one message."""
    output = message(f"{name}-out", text)
    shown: dict[str, Any] = {"id": name, "output": [{"text": text}]}
    said = () if before is None else before.conversation
    return stored(shown, said, (message(f"{name}-in", text),), (output,))


def test_a_response_is_found_by_its_id_and_its_items_by_theirs() -> None:
    store = ResponseStore()
    first = response("a")
    store.add(first)
    assert store.get("a") is first
    assert store.item("a-in") is first.input[0]
    assert store.item("a-out") is first.output[0]
    assert store.get("b") is None
    assert store.item("b-in") is None


def test_the_response_used_longest_ago_is_forgotten_first() -> None:
    store = ResponseStore(max_responses=2)
    store.add(response("a"))
    store.add(response("b"))
    store.get("a")
    store.add(response("c"))
    assert store.get("b") is None
    assert store.item("b-out") is None
    assert store.get("a") is not None
    assert store.get("c") is not None


def test_bytes_are_limited_too_but_the_newest_stays() -> None:
    store = ResponseStore(max_bytes=2000)
    for name in "abcdef":
        store.add(response(name, "x" * 500))
    assert len(store) == 1
    huge = response("huge", "x" * 5000)
    store.add(huge)
    assert store.get("huge") is huge


def test_forgetting_one_breaks_none_that_goes_on_from_it() -> None:
    store = ResponseStore()
    first = response("a")
    second = response("b", before=first)
    store.add(first)
    store.add(second)
    assert store.remove("a")
    assert not store.remove("a")
    kept = store.get("b")
    assert kept is not None
    assert [item.id for item in kept.conversation] == ["a-in", "a-out", "b-in", "b-out"]


def test_an_item_given_again_belongs_to_the_latest_response() -> None:
    store = ResponseStore()
    store.add(response("a"))
    again = stored({"id": "b", "output": []}, (), (message("a-out"),), ())
    store.add(again)
    store.remove("a")
    assert store.item("a-out") is again.input[0]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 400)), max_size=30))
def test_the_limits_hold_whatever_is_added(added: list[tuple[str, int]]) -> None:
    store = ResponseStore(max_responses=3, max_bytes=1500)
    for name, length in added:
        store.add(response(name, "x" * length))
        held = [one for one in map(store.get, "abcdef") if one is not None]
        assert len(held) == len(store) <= 3
        assert len(held) == 1 or sum(one.size for one in held) <= 1500
    for name in "abcdef":
        store.remove(name)
    assert len(store) == 0
    assert all(store.item(f"{name}-{end}") is None for name in "abcdef" for end in ("in", "out"))
