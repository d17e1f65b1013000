"""Saved states: they share beginnings, survive the process, and stay within their limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from gguf_fc.engine.kv_cache.priority import Priority
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.saved_prompts import StateFolder

ROOMY = 1 << 20


def folder(root: Path) -> StateFolder:
    return StateFolder(root=root, model="0" * 16, title="tiny.gguf", max_bytes=ROOMY)


def written(root: Path) -> SavedStates:
    """Two conversations after one beginning, in files."""
    states = SavedStates(ROOMY, folder(root))
    states.add([1, 2], 0, b"begin", Priority.PREFIX)
    states.add([1, 2, 3], 2, b"three", Priority.ONE_OFF)
    states.add([1, 2, 4], 2, b"four", Priority.CONVERSATION)
    while states.write() or states.is_writing:
        pass
    states.check()
    return states


def held(states: SavedStates, tokens: list[int]) -> tuple[list[bytes | memoryview | None], int]:
    chain, length = states.longest(tokens)
    return [states.data(state) for state in chain], length


def test_a_conversation_is_its_beginning_and_what_came_after() -> None:
    states = SavedStates(ROOMY)
    states.add([1, 2], 0, b"begin", Priority.PREFIX)
    states.add([1, 2, 3], 2, b"three", Priority.ONE_OFF)
    assert held(states, [1, 2, 3, 9]) == ([b"begin", b"three"], 3)
    assert held(states, [1, 2, 9]) == ([b"begin"], 2)
    assert held(states, [1, 9]) == ([b"begin"], 1)
    assert held(states, [9]) == ([], 0)
    assert states.covered([1, 2, 9]) == 2
    assert states.covered([1, 9]) == 0


def test_a_state_that_cannot_be_cut_is_used_as_a_whole_or_not_at_all() -> None:
    states = SavedStates(ROOMY, is_whole=True)
    states.add([1, 2], 0, b"begin", Priority.PREFIX)
    states.add([1, 2, 3], 0, b"three", Priority.ONE_OFF)
    assert held(states, [1, 2, 3]) == ([b"three"], 3)
    assert held(states, [1, 2, 4]) == ([b"begin"], 2)
    assert held(states, [1, 4]) == ([], 0)


@pytest.mark.parametrize("is_closed", [True, False])
def test_states_are_found_again_by_the_next_process(tmp_path: Path, *, is_closed: bool) -> None:
    states = written(tmp_path)
    if is_closed:
        states.close()
    again = SavedStates(ROOMY, folder(tmp_path))
    assert held(again, [1, 2, 3]) == ([b"begin", b"three"], 3)
    assert held(again, [1, 2, 4, 5]) == ([b"begin", b"four"], 3)
    again.check()


def test_close_writes_what_waits(tmp_path: Path) -> None:
    states = SavedStates(ROOMY, folder(tmp_path))
    for n in range(5):
        states.add([n], 0, bytes([n]), Priority.ONE_OFF)
    states.close()
    assert len(folder(tmp_path).files()) == 5


def test_a_damaged_beginning_is_forgotten_with_all_that_builds_on_it(tmp_path: Path) -> None:
    written(tmp_path)
    (begin,) = (file for file in folder(tmp_path).files() if file.start == 0)
    begin.path.write_bytes(begin.path.read_bytes()[:-1] + b"x")
    states = SavedStates(ROOMY, folder(tmp_path))
    chain, _ = states.longest([1, 2, 3])
    assert states.data(chain[0]) is None
    assert states.longest([1, 2, 3]) == ([], 0)
    assert states.covered([1, 2, 3]) == 0


def test_ram_keeps_what_is_worth_most_and_parents_of_what_it_keeps() -> None:
    states = SavedStates(max_bytes=25)
    states.add([1], 0, bytes(10), Priority.ONE_OFF)
    states.add([2], 0, bytes(10), Priority.ONE_OFF)
    states.add([2, 3], 1, bytes(5), Priority.CONVERSATION)
    states.add([4], 0, bytes(10), Priority.ONE_OFF)
    states.check()
    assert [states.covered([n]) for n in (1, 2, 4)] == [0, 1, 1]
    assert states.covered([2, 3]) == 2
    states.add([5], 0, bytes(30), Priority.PREFIX)
    states.check()
    assert states.covered([2, 3]) == 0, "the larger one took all there was, and still has no room"


def test_what_is_in_a_file_leaves_ram_first(tmp_path: Path) -> None:
    states = SavedStates(0, folder(tmp_path))
    states.add([1], 0, b"state", Priority.ONE_OFF)
    while states.write() or states.is_writing:
        pass
    (state,), _ = states.longest([1])
    assert state.data is None
    assert states.data(state) == b"state"


def test_a_disk_that_cannot_be_written_is_not_tried_again(tmp_path: Path) -> None:
    (tmp_path / "states").write_text("in the way")
    states = SavedStates(ROOMY, folder(tmp_path))
    states.add([1], 0, b"one", Priority.ONE_OFF)
    states.add([2], 0, b"two", Priority.ONE_OFF)
    assert states.write()
    while states.is_writing:
        states.write()
    assert not states.write()
    assert held(states, [1]) == ([b"one"], 1)


def test_nothing_is_kept_where_there_is_no_room_for_anything() -> None:
    assert SavedStates(0).is_off
    assert not SavedStates(1).is_off
