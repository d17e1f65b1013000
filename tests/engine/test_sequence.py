"""A sequence changes as a whole: by its own methods, which keep position and counters together."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from gguf_fc import engine
from gguf_fc.engine.kv_cache.slots import Lease
from gguf_fc.engine.sequence import Checkpoints, Sequence
from gguf_fc.engine.sequence_stats import SequenceStats
from gguf_fc.job import Job, Segment

FOLDER = Path(engine.__file__).parent
USERS = ("loop.py", "chooser.py", "build_sequence.py", *FOLDER.glob("schedule/*.py"))
FIELDS = {field.name for cls in (Sequence, SequenceStats, Checkpoints) for field in fields(cls)}


def assigned(source: str) -> set[str]:
    """Attributes of something other than ``self`` that *source* assigns."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }


@pytest.mark.parametrize("name", USERS)
def test_nobody_else_assigns_its_fields(name: str | Path) -> None:
    assert assigned((FOLDER / name).read_text()) & FIELDS == set()


def test_an_assignment_from_outside_would_be_found() -> None:
    outside = "def f(sequence):\n    sequence.slot = 1\n    sequence.stats.forced_tokens += 1"
    assert assigned(outside) & FIELDS == {"slot", "forced_tokens"}


def sequence(n_prompt: int = 10, **checkpoints: int) -> Sequence:
    job = Job(id="a", prompt=(Segment("x"),))
    return Sequence(job, [0] * n_prompt, 100, checkpoints=Checkpoints(**checkpoints))


def test_cached_tokens_are_those_of_the_first_admission() -> None:
    job = sequence()
    job.admit(Lease(0, 4), now=1.0)
    job.note_evaluated(10, step=1)
    job.leave()
    job.admit(Lease(1, 9), now=2.0)
    assert (job.slot, job.n_evaluated, job.stats.cached_tokens) == (1, 9, 4)
    assert job.stats.started == 1.0


def test_a_longer_prefix_found_before_it_begins_counts_as_cached() -> None:
    job = sequence()
    job.admit(Lease(0, 0), now=1.0)
    job.upgrade(Lease(0, 8, shared=True))
    assert (job.n_evaluated, job.n_shared, job.stats.cached_tokens) == (8, 8, 8)


def test_where_it_diverges_is_a_checkpoint_unless_one_is_known() -> None:
    for known, expected in (({}, 6), ({"prefix": 7}, 7)):
        job = sequence(**known)
        job.admit(Lease(0, 6, diverges=True), now=0.0)
        assert job.checkpoints.prefix == expected


def test_chunks_end_at_the_next_checkpoint() -> None:
    points = Checkpoints(prefix=4, turn=8)
    assert [points.distance(at, 10) for at in (0, 4, 7, 8)] == [4, 4, 1, 2]


def test_tokens_right_of_those_evaluated_ahead_are_counted() -> None:
    job = sequence()
    job.admit(Lease(0, 0), now=0.0)
    job.note_evaluated(10, step=1)
    job.tokens += [1, 2]
    assert job.settle(12) == 2
    assert job.stats.decode_steps == 1
