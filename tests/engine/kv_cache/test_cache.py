"""Prefix reuse: what is found, what it costs others, and what is given up first."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gguf_fc.engine.kv_cache.cache import MOST_PREFIXES, KvCache
from gguf_fc.engine.kv_cache.common_prefix import common
from gguf_fc.engine.kv_cache.evict import MOST_IDLE
from gguf_fc.engine.kv_cache.saved_states import SavedStates
from gguf_fc.engine.kv_cache.slots import LEAST_PREFIX
from gguf_fc.engine.model import Feed
from gguf_fc.saved_prompts import StateFolder
from tests.support.scripted_model import ScriptedModel, rambling


class Books:
    """A cache over a scripted model, with what a scheduler would do to both."""

    def __init__(
        self,
        n_slots: int = 2,
        *,
        can_trim: bool = True,
        idle_costs: bool = False,
        max_bytes: int = 0,
        folder: StateFolder | None = None,
    ) -> None:
        self.model = ScriptedModel(
            rambling,
            n_ctx=4096,
            n_batch=1024,
            n_slots=n_slots,
            can_trim=can_trim,
            idle_costs=idle_costs,
        )
        self.states = SavedStates(max_bytes, folder)
        self.cache = KvCache(self.model, self.states)

    def run(self, text: str, *, leave: bool = True) -> tuple[int, int]:
        """Evaluate *text*: the slot it ran in and how much of it was there already."""
        tokens = list(text.encode())
        lease = self.cache.acquire(tokens)
        rest = tokens[lease.length :]
        self.model.decode([Feed(lease.slot, lease.length, rest, n_rows=1)])
        self.cache.append(lease.slot, rest)
        if leave:
            self.cache.release(lease.slot)
        return lease.slot, lease.length

    def idle(self, *texts: str) -> None:
        """Evaluate *texts*, one after the other, and save them all."""
        for text in texts:
            self.run(text)
        while self.cache.save_next():
            pass

    def held(self) -> list[str]:
        return [bytes(token for _, token in slot).decode() for slot in self.model.slots]


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)))
def test_the_common_prefix_is_as_long_as_it_can_be(a: list[int], b: list[int]) -> None:
    n = common(a, b)
    assert a[:n] == b[:n]
    assert n == min(len(a), len(b)) or a[n] != b[n]


def test_a_conversation_goes_on_in_its_slot() -> None:
    books = Books()
    first, _ = books.run("question answer")
    assert books.run("question answer next") == (first, len("question answer"))


def test_the_same_prompt_leaves_one_token_to_evaluate() -> None:
    books = Books()
    books.run("same")
    assert books.run("same")[1] == len("same") - 1


def test_a_shared_beginning_is_copied_rather_than_the_rest_thrown_away() -> None:
    books = Books()
    books.run("sys: a long conversation")
    slot, length = books.run("sys: other")
    assert (slot, length) == (1, len("sys: "))
    assert books.held() == ["sys: a long conversation", "sys: other"]


def test_a_prefix_is_taken_from_a_sequence_that_still_runs() -> None:
    books = Books()
    busy, _ = books.run("tools tools one", leave=False)
    slot, length = books.run("tools tools two", leave=False)
    assert slot != busy
    assert length == len("tools tools ")


def test_the_slot_unused_for_longest_makes_way() -> None:
    books = Books()
    books.run("aaaa")
    books.run("bbbb")
    books.run("aaaa!")
    books.run("cccc")
    assert books.held() == ["aaaa!", "cccc"]


def test_eviction_takes_the_oldest_and_never_one_in_use() -> None:
    books = Books(3)
    for text in ("aa", "bb"):
        books.run(text)
    books.run("cc", leave=False)
    assert books.cache.evict()
    assert books.held() == ["", "bb", "cc"]
    assert books.cache.evict()
    assert not books.cache.evict()
    assert books.held() == ["", "", "cc"]


def test_a_model_that_cannot_trim_reuses_only_whole_slots() -> None:
    books = Books(can_trim=False)
    books.run("turn one", leave=False)
    books.cache.release(0)
    assert books.run("turn one, turn two") == (0, len("turn one"))
    assert books.run("turn three") == (1, 0)
    assert books.run("turn one, turn") == (0, 0)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text("ab", min_size=1, max_size=6), st.booleans()), max_size=12))
def test_the_cache_and_the_model_never_disagree(runs: list[tuple[str, bool]]) -> None:
    books = Books(3)
    busy: dict[int, list[int]] = {}
    for text, leave in runs:
        if len(busy) == 2:
            books.cache.release(busy.popitem()[0])
        slot, length = books.run(text, leave=leave)
        assert length < len(text)
        if not leave:
            busy[slot] = list(text.encode())
        books.cache.check(busy)
        assert books.held() == [bytes(slot.tokens).decode() for slot in books.cache.slots]


def test_a_preview_says_what_acquire_will_do_and_changes_nothing() -> None:
    books = Books()
    assert books.cache.preview(list(b"")) == (0, "nothing")
    books.run("one two")
    before = books.held()
    assert books.cache.preview(list(b"one two three")) == (len("one two"), "go on")
    assert books.cache.preview(list(b"one")) == (2, "share")
    assert books.cache.preview(list(b"other")) == (1, "share")
    assert books.cache.preview(list(b"two")) == (0, "nothing")
    assert books.held() == before


def test_a_preview_waits_where_no_slot_is_free() -> None:
    books = Books(1)
    books.run("one", leave=False)
    assert books.cache.preview(list(b"one two")) == (0, "wait")


SYSTEM = "system text and tools, which are long enough to be worth keeping on their own "


def test_what_conversations_have_in_common_outlives_them() -> None:
    books = Books(3)
    slot, _ = books.run(SYSTEM + "first question", leave=False)
    books.cache.pin(slot, len(SYSTEM))
    books.cache.release(slot)
    for text in ("other 1", "other 2", "other 3"):
        books.run(text)
    assert books.held().count(SYSTEM) == 1
    assert books.run(SYSTEM + "second question")[1] == len(SYSTEM)
    assert books.held().count(SYSTEM) == 1, "it is shared, not gone on with in place"


def test_a_beginning_is_pinned_once_and_only_if_it_is_long_enough() -> None:
    books = Books(4)
    for text in ("one", "two"):
        slot, _ = books.run(SYSTEM + text, leave=False)
        books.cache.pin(slot, len(SYSTEM))
        books.cache.pin(slot, 5)
        books.cache.release(slot)
    assert books.held() == [SYSTEM + "one", SYSTEM, SYSTEM + "two", ""]


def test_pinned_beginnings_never_take_more_than_a_few_slots() -> None:
    books = Books(MOST_PREFIXES + 3)
    for letter in "abcdefgh":
        slot, _ = books.run(letter * LEAST_PREFIX + "tail", leave=False)
        books.cache.pin(slot, LEAST_PREFIX)
        books.cache.check({slot: list((letter * LEAST_PREFIX + "tail").encode())})
        books.cache.release(slot)
    pinned = [text for text in books.held() if len(text) == LEAST_PREFIX]
    assert sorted(pinned) == [letter * LEAST_PREFIX for letter in "efgh"]


def test_a_conversation_outlives_prompts_nobody_came_back_to() -> None:
    books = Books(3)
    books.run("conversation: one")
    books.run("conversation: one, two")
    for text in ("title a", "title b", "title c", "title d"):
        books.run(text)
    assert "conversation: one, two" in books.held()
    assert books.run("conversation: one, two, three")[1] == len("conversation: one, two")


def test_a_fork_leaves_the_longer_conversation_alone() -> None:
    books = Books(3)
    long = SYSTEM + "a conversation that has already gone on for quite a while"
    books.run(long)
    assert books.run(SYSTEM + "b")[1] == len(SYSTEM)
    assert long in books.held()


def test_the_log_shows_where_a_prompt_parts_from_what_is_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    books = Books()
    books.run("It is Monday. Hello")
    with caplog.at_level(logging.DEBUG, "gguf_fc.engine.kv_cache.cache"):
        books.run("It is Friday. Hello")
    (record,) = caplog.messages
    assert "found=6 kept='It is \u00a6Monday. Hello' asked='It is \u00a6Friday. Hello'" in record


def test_check_notices_books_that_are_wrong() -> None:
    books = Books()
    books.run("aa", leave=False)
    with pytest.raises(AssertionError):
        books.cache.check({})


def test_what_is_saved_to_make_room_does_not_cost_the_state_that_is_wanted() -> None:
    books = Books(1, max_bytes=900)  # room for one of these prompts
    books.run("a" * 100)
    books.run("b" * 100)
    assert books.run("a" * 100 + "c")[1] == 100
    assert books.states.covered([ord("b")] * 100) == 100, "it was saved, in place of the other"


def test_a_damaged_file_costs_only_time(tmp_path: Path) -> None:
    def folder() -> StateFolder:
        return StateFolder(root=tmp_path, model="0" * 16, title="tiny.gguf", max_bytes=1 << 20)

    books = Books(1, max_bytes=1 << 20, folder=folder())
    books.run("a" * 100)
    assert books.cache.save_next()
    books.states.close()
    (file,) = folder().files()
    file.path.write_bytes(file.path.read_bytes()[:-1] + b"x")
    again = Books(1, max_bytes=1 << 20, folder=folder())
    assert again.run("a" * 100 + "c")[1] == 0


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=12),
    st.integers(0, 4000),
)
def test_the_cache_and_saved_states_never_disagree(
    runs: list[tuple[str, int]], max_bytes: int
) -> None:
    books = Books(2, max_bytes=max_bytes)
    for letter, length in runs:
        text = letter * 90 + "d" * 40 * length
        assert books.run(text)[1] < len(text)
        books.cache.check({})
        books.states.check()
        assert books.held() == [bytes(slot.tokens).decode() for slot in books.cache.slots]


LONG = MOST_IDLE // 2


def test_idle_conversations_wait_outside_where_they_make_steps_longer() -> None:
    books = Books(4, idle_costs=True, max_bytes=1_000_000)
    texts = [letter * LONG for letter in "abcd"]
    books.idle(*texts[:3])
    books.run(texts[3], leave=False)
    books.cache.evict_saved()
    assert books.held() == ["", *texts[1:]]  # which is short enough with the latest
    assert books.run(texts[0] + "!")[1] == LONG
    assert texts[0] + "!" in books.held()


def test_a_first_token_in_common_is_no_use_of_a_conversation() -> None:
    books = Books(4, idle_costs=True, max_bytes=1_000_000)
    texts = ["^" + letter * LONG for letter in "abcd"]
    books.idle(*texts[:3])
    books.run(texts[3], leave=False)
    books.cache.evict_saved()
    assert texts[0] not in books.held()
    assert texts[2] in books.held()


def test_what_is_idle_stays_where_it_costs_nothing_or_is_not_saved() -> None:
    for idle_costs, is_saved in ((False, True), (True, False)):
        books = Books(4, idle_costs=idle_costs, max_bytes=1_000_000)
        for letter in "abc":
            books.run(letter * LONG)
        while is_saved and books.cache.save_next():
            pass
        books.cache.evict_saved()
        assert [len(text) for text in books.held()] == [LONG, LONG, LONG, 0]


def test_the_latest_conversation_and_pinned_beginnings_stay_however_long() -> None:
    books = Books(4, idle_costs=True, max_bytes=1_000_000)
    first, _ = books.run("p" * MOST_IDLE)
    books.cache.pin(first, MOST_IDLE - 1)
    books.run("q" * (MOST_IDLE - 1))
    while books.cache.save_next():
        pass
    books.cache.evict_saved()
    assert sorted(len(text) for text in books.held()) == [0, 0, MOST_IDLE - 1, MOST_IDLE - 1]
