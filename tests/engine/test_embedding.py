"""Texts to vectors: what is read when, what it comes to, and how it ends."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gguf_fc.engine.embedding import MOST_WAITING, EmbeddingQueue, Pooling, Rows
from gguf_fc.engine.model import DecodeError, Feed
from gguf_fc.errors import EngineError
from gguf_fc.job import Embed, Embedded, Failed, FromWorker


def row(token: int, at: int) -> NDArray[np.float32]:
    """What the scripted model makes of *token* at the place *at*."""
    return np.array([token, at + 1, token * at, 1], np.float32)


@dataclass(slots=True, eq=False)
class ScriptedRows:
    """A token is a byte.  Keeps books as strictly as llama.cpp does."""

    pooling: Pooling = "mean"
    reads_whole: bool = False
    n_ctx: int = 64
    n_slots: int = 3
    n_batch: int = 8
    room: int = 0
    rooms: list[int] = field(default_factory=list)  # that were made
    broken: bool = False
    slots: dict[int, list[int]] = field(default_factory=dict)
    batches: list[list[Feed]] = field(default_factory=list)

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        assert frame
        assert special
        return list(text.encode())

    def tokenize_pair(self, query: str, document: str) -> list[int]:
        return [0, *query.encode(), 1, *document.encode()]

    def make_room(self, n_tokens: int) -> None:
        if n_tokens > 60:
            raise EngineError("There is not enough memory.")
        self.room = max(16, n_tokens)
        if self.reads_whole:
            self.n_batch = self.room
        self.rooms.append(self.room)
        self.slots = {slot: [] for slot in range(self.n_slots)}

    def read(self, feeds: Sequence[Feed]) -> list[Rows]:
        assert feeds
        assert sum(len(feed.tokens) for feed in feeds) <= self.n_batch
        if self.broken:
            raise DecodeError("out of order")
        self.batches.append(list(feeds))
        return [self._rows(feed) for feed in feeds]

    def _rows(self, feed: Feed) -> Rows:
        slot = self.slots[feed.slot]
        assert feed.start == len(slot), "positions must follow one another"
        slot.extend(feed.tokens)
        assert sum(map(len, self.slots.values())) <= self.room
        rows = [row(token, feed.start + at) for at, token in enumerate(feed.tokens)]
        rows = rows[len(rows) - feed.n_rows :]
        return np.array(rows, np.float32).reshape(len(rows), 4)

    def clear(self, slot: int) -> None:
        self.slots[slot].clear()


@dataclass(slots=True, eq=False)
class Run:
    """The scripted model's embeddings and all that they emitted."""

    model: ScriptedRows
    seconds: float = 0.0  # that a look at the clock takes
    messages: list[FromWorker] = field(default_factory=list)
    embeddings: EmbeddingQueue = field(init=False)
    now: float = 0

    def __post_init__(self) -> None:
        self.embeddings = EmbeddingQueue(self.model, self.messages.append, clock=self.clock)

    def clock(self) -> float:
        self.now += self.seconds
        return self.now

    def embed(self, *texts: str) -> None:
        for text in texts:
            self.embeddings.submit(Embed(id=text, text=text))

    def finish(self) -> None:
        for _ in range(10_000):
            if self.embeddings.is_idle:
                return
            self.embeddings.step()
        raise AssertionError("it does not come to an end")

    def vector(self, name: str) -> NDArray[np.float32]:
        (found,) = (m for m in self.messages if isinstance(m, Embedded) and m.id == name)
        return np.frombuffer(base64.b64decode(found.vector), "<f4")

    def failed(self, name: str) -> Failed:
        (found,) = (m for m in self.messages if isinstance(m, Failed) and m.id == name)
        return found


def expected(text: str, pooling: Pooling) -> NDArray[np.float64]:
    rows = np.array([row(token, at) for at, token in enumerate(text.encode())], np.float64)
    pooled = {"mean": rows.mean(axis=0), "first": rows[0], "last": rows[-1]}[pooling]
    scaled: NDArray[np.float64] = pooled / np.linalg.norm(pooled)
    return scaled


POOLINGS: list[Pooling] = ["mean", "first", "last"]


@given(
    texts=st.lists(st.text("abcdef", min_size=1, max_size=40), min_size=1, max_size=8, unique=True),
    pooling=st.sampled_from(POOLINGS),
    whole=st.booleans(),
)
def test_a_vector_does_not_depend_on_what_else_is_read_or_in_how_many_steps(
    *, texts: list[str], pooling: Pooling, whole: bool
) -> None:
    run = Run(ScriptedRows(pooling, reads_whole=whole), seconds=0.01)
    run.embed(*texts)
    run.finish()
    assert len(run.messages) == len(texts)
    for text in texts:
        np.testing.assert_allclose(run.vector(text), expected(text, pooling), rtol=1e-5)
    assert not any(run.model.slots.values())


def test_given_tokens_are_taken_as_they_are() -> None:
    run = Run(ScriptedRows())
    run.embeddings.submit(Embed(id="t", text="", tokens=tuple(b"abc")))
    run.finish()
    np.testing.assert_allclose(run.vector("t"), expected("abc", "mean"), rtol=1e-5)


def test_several_texts_are_read_in_one_step() -> None:
    run = Run(ScriptedRows())
    run.embed("ab", "cd", "ef")
    run.embeddings.step()
    assert len(run.model.batches) == 1
    assert [m.prompt_tokens for m in run.messages if isinstance(m, Embedded)] == [2, 2, 2]


def test_a_slow_machine_reads_little_at_a_time() -> None:
    run = Run(ScriptedRows(n_batch=60), seconds=10)
    run.embed("a" * 50)
    run.finish()
    assert [len(feed.tokens) for (feed,) in run.model.batches] == [32, 8, 8, 2]


def test_a_model_that_looks_both_ways_is_shown_every_text_whole() -> None:
    run = Run(ScriptedRows(reads_whole=True), seconds=10)
    run.embed("a" * 10, "b" * 5, "c" * 16)
    run.finish()
    assert [[len(feed.tokens) for feed in batch] for batch in run.model.batches] == [[10, 5], [16]]


def test_the_memory_is_made_for_the_first_text_and_anew_for_a_longer_one() -> None:
    run = Run(ScriptedRows())
    assert run.model.rooms == []
    run.embed("ab", "c" * 16)
    run.finish()
    run.embed("d" * 30, "ef")
    run.finish()
    assert run.model.rooms == [16, 30]


def test_nobody_overtakes_a_text_that_waits_for_room() -> None:
    run = Run(ScriptedRows())
    run.embed("a" * 15, "b" * 16, "c")
    run.finish()
    order = [feed.tokens[0] for batch in run.model.batches for feed in batch if feed.start == 0]
    assert bytes(order) == b"abc"


def test_a_text_over_the_context_is_refused_with_both_numbers() -> None:
    run = Run(ScriptedRows())
    run.embed("a" * 65)
    failed = run.failed("a" * 65)
    assert failed.code == "context_length_exceeded"
    assert "64" in failed.message
    assert "65" in failed.message
    assert run.embeddings.is_idle


def test_a_text_without_a_token_fails() -> None:
    run = Run(ScriptedRows())
    run.embed("")
    assert run.failed("").code == "invalid_value"


def test_too_little_memory_fails_one_text_only() -> None:
    run = Run(ScriptedRows())
    run.embed("a" * 61, "b")
    run.finish()
    assert "memory" in run.failed("a" * 61).message
    assert len(run.vector("b")) == 4


def test_a_step_that_fails_fails_its_texts_and_leaves_no_trace() -> None:
    run = Run(ScriptedRows(broken=True))
    run.embed("a", "b")
    run.embeddings.step()
    assert {run.failed(name).code for name in "ab"} == {"engine_error"}
    run.model.broken = False
    run.embed("c")
    run.finish()
    assert len(run.vector("c")) == 4


def test_numbers_without_a_direction_are_an_error_and_not_a_vector() -> None:
    run = Run(ScriptedRows())
    run.embeddings.submit(Embed(id="t", text="", tokens=(10**39,)))  # over what 32 bits can hold
    with pytest.warns(RuntimeWarning, match="overflow"):
        run.finish()
    assert "direction" in run.failed("t").message


@pytest.mark.parametrize("steps", [0, 1])
def test_a_cancelled_text_is_forgotten_wherever_it_stands(steps: int) -> None:
    run = Run(ScriptedRows())
    run.embed("a" * 20, "b")
    for _ in range(steps):
        run.embeddings.step()
    run.embeddings.cancel("a" * 20)
    run.embeddings.cancel("never seen")
    run.finish()
    assert [getattr(m, "id", "") for m in run.messages] == ["b"]
    assert not any(run.model.slots.values())


def test_a_full_queue_turns_texts_away() -> None:
    run = Run(ScriptedRows())
    for n in range(MOST_WAITING + 1):
        run.embeddings.submit(Embed(id=str(n), text="a"))
    assert run.failed(str(MOST_WAITING)).code == "queue_full"


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_text_that_may_be_cut_keeps_what_the_model_wants_behind_it(
    before: int, behind: int
) -> None:
    model = FramedRows(n_ctx=8, before=before, behind=behind)
    emitted: list[FromWorker] = []
    queue = EmbeddingQueue(model, emitted.append)
    queue.submit(Embed(id="long", text="abcdefghijkl", cut=True))
    queue.submit(Embed(id="tokens", text="", tokens=tuple(range(9)), cut=True))
    queue.submit(Embed(id="short", text="abc", cut=True))
    queue.submit(Embed(id="kept", text="abcdefghijkl"))
    while not queue.is_idle:
        queue.step()
    ends = {one.id: one for one in emitted if isinstance(one, Embedded)}
    assert ends["long"].n_cut == 12 + before + behind - 8
    assert (ends["tokens"].n_cut, ends["short"].n_cut) == (1, 0)
    read = next(list(feed.tokens) for batch in model.batches for feed in batch)
    text = b"abcdefghijkl"[: 8 - before - behind]
    assert read == [1] * before + list(text) + [2] * behind
    assert [one.id for one in emitted if isinstance(one, Failed)] == ["kept"]


@dataclass(slots=True, eq=False)
class FramedRows(ScriptedRows):
    """Wants a token before or behind each text."""

    before: int = 0
    behind: int = 0

    def tokenize_text(self, text: str, *, frame: bool, special: bool) -> list[int]:
        assert special
        tokens = list(text.encode())
        return [1] * self.before + tokens + [2] * self.behind if frame else tokens
