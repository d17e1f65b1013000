"""The script that measures what a step costs beside the model runs, for every case it prints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from gguf_fc.engine.llama.llama import Llama
from step_overhead import CASES, native, overheads
from tests.support.loading import in_process
from tests.support.random_model import write_random_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Llama]:
    path = write_random_model(tmp_path_factory.mktemp("model") / "m.gguf")
    with closing(Llama(in_process(path, n_ctx=512))) as model:
        yield model


@pytest.mark.live
@pytest.mark.parametrize("case", CASES)
def test_every_case_has_its_times(model: Llama, case: str) -> None:
    steps = overheads(model, 2, case, 8)
    assert len(steps) >= 2
    assert all(step.logits > 0 and step.rest > 0 for step in steps)
    assert any(step.grammar > 0 for step in steps) == bool(CASES[case][1])


@pytest.mark.live
@pytest.mark.parametrize("case", CASES)
def test_llama_cpp_samples_with_the_same_settings(model: Llama, case: str) -> None:
    assert native(model, CASES[case][0]) > 0
