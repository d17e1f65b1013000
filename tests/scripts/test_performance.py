"""The page of `scripts/performance.py`: what was measured, what falls short, and why."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from gguf_fc.bench.rounds import Result  # noqa: E402 - found by the path above
from gguf_fc.bench.sample import Sample  # noqa: E402 - found by the path above
from gguf_fc.bench.workloads import WORKLOADS  # noqa: E402 - found by the path above
from gguf_fc.models.gguf import read_header  # noqa: E402 - found by the path above
from performance import Bench  # noqa: E402 - found by the path above
from speed.page import Measured, causes_of, page  # noqa: E402 - found by the path above
from speed.random_model import Shape, make_random_model  # noqa: E402 - found by the path above
from speed.rivals import llama_server  # noqa: E402 - found by the path above
from speed.rows import Row, rows  # noqa: E402 - found by the path above
from tests.support.random_model import write_random_model  # noqa: E402 - found by the path above

FASTER = Row(key="a", about="twice as fast", workload=WORKLOADS["call-3"], target=2.0)
SHARE = Row(
    key="b",
    about="a share",
    workload=WORKLOADS["chat"],
    target=3,
    against="itself",
    figure="times",
    at_most=True,
)


def measured(row: Row, ours: list[Sample], theirs: list[float]) -> Measured:
    samples = {"gguf-fc": ours, "llama-server": [Sample(value) for value in theirs]}
    return Measured(row, Result(row.workload, samples), "now", 0.5)


def test_what_falls_short_is_marked_and_named() -> None:
    good = measured(FASTER, [Sample(1), Sample(1)], [2, 3])
    bad = measured(SHARE, [Sample(5, {"times": 4})], [])
    text = page({1: [good], 2: [bad]}, {"machine": "small"}, "")
    assert "| twice as fast | >= 2 | 2.50 (2.00-3.00) |" in text
    assert "| a share | <= 3 | **4.00 (4.00-4.00)** |" in text
    assert "- a share, 2 threads: 4.00 (4.00-4.00), wanted <= 3" in text
    assert "- twice as fast" not in text


def test_a_row_that_failed_says_why() -> None:
    failed = measured(FASTER, [Sample(1)], [])
    failed.result.failures["llama-server"] = "talks | instead"
    text = page({1: [failed]}, {}, "")
    assert "not measured: talks / instead" in text


def test_causes_written_by_hand_survive() -> None:
    text = page({}, {}, "The machine is small.\n")
    assert causes_of(text) == "The machine is small.\n"
    assert causes_of("nothing") == ""


def test_rows_have_keys_of_their_own_and_sources_that_exist() -> None:
    found = rows(Path("llama-bench"), Path("ballast.gguf"), 1, repack=True)
    keys = [row.key for row in found]
    assert len(set(keys)) == len(keys)
    assert {row.source for row in found} <= {"", *keys}


def test_the_command_of_a_rival_is_shown_without_folders() -> None:
    rival = llama_server(
        Path("/a/b/llama-server"), Path("/c/m.gguf"), 2, 512, Path("log"), repack=True
    )
    assert rival.shown.startswith("llama-server -m m.gguf")
    assert "-t 2" in rival.shown


def test_the_random_model_has_the_vocabulary_and_random_weights(tmp_path: Path) -> None:
    vocabulary = write_random_model(tmp_path / "vocabulary.gguf")
    output = tmp_path / "random.gguf"
    make_random_model(vocabulary, output, Shape(layers=1, heads=2, key_heads=1, feed_forward=64))
    header = read_header(output)
    assert header.tokens == read_header(vocabulary).tokens
    assert (header.n_layers, header.n_embd) == (1, 128)
    assert header.chat_template is not None
    weights = np.fromfile(output, np.uint8)[-100_000:]
    assert len(np.unique(weights)) == 256


def bench(folder: Path, *, repack: bool) -> Bench:
    return Bench(
        folder=folder,
        llama_server=Path("llama-server"),
        packaged=Path("packaged"),
        vocabulary=Path("vocabulary"),
        quick=False,
        repack=repack,
    )


@pytest.mark.parametrize("repack", [True, False])
def test_weights_are_laid_out_alike_in_every_server(tmp_path: Path, *, repack: bool) -> None:
    wanted = bench(tmp_path, repack=repack)
    (tmp_path / "ballast.gguf").touch()
    assert ("--no-repack" in wanted.serve("m.gguf", 1)) is not repack
    for row in wanted.rows(1):
        if row.model == "ballast" and row.against == "llama-server":
            assert ("--no-repack" in wanted.rival(row, 1).command) is not repack
        if row.against == "llama_cpp.server":
            assert ("llama_cpp.server" in wanted.rival(row, 1).command) is repack


def test_the_page_shows_every_number_of_threads_that_was_measured(tmp_path: Path) -> None:
    for name in ("call-1", "random-form-2", "quick-call-4"):
        (tmp_path / f"{name}.json").touch()
    wanted = bench(tmp_path, repack=True)
    assert wanted.counts() == {1, 2}
    assert replace(wanted, quick=True).counts() == {4}
