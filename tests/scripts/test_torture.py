"""The torture script: no reply is lost under kills, and its judge sees one that is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import pytest

from tests.support.server import QUIET, running
from torture import kills, recovery
from torture_trials.streams import ITEMS, judged, longest_gap


@pytest.mark.live
def test_replies_outlive_their_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path, *QUIET) as server:
        assert asyncio.run(kills(server, 2, 3, Random(1))) == 0  # noqa: S311
    assert ", 0 faults" in capsys.readouterr().out


def chunk(content: str, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"delta": {"content": content}, "finish_reason": finish}]}


@pytest.mark.parametrize("n", [ITEMS - 1, ITEMS, ITEMS + 1])
def test_an_answer_with_a_token_lost_or_doubled_is_a_fault(n: int) -> None:
    fault = judged("structured", [chunk(json.dumps([1] * n)), chunk("", "stop")])
    assert bool(fault) == (n != ITEMS)


def test_a_text_without_an_end_is_a_fault() -> None:
    assert judged("text", [chunk("hello")])
    assert not judged("text", [chunk("hello"), chunk("", "length")])


def test_a_recovery_is_the_time_to_the_next_piece() -> None:
    assert recovery([1.0, 2.0, 5.0, 6.0], [2.0, 5.5]) == [3.0, 0.5]
    assert longest_gap([1.0, 2.0, 5.0], 1.5, 6.0) == 3.0
